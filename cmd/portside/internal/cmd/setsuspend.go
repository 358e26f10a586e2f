package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/request"
)

const suspendOwnership = `
The field is written by a server-side apply under the field manager
` + request.FieldManager + `, which owns nothing else and gives the field up on resume. A
GitOps tool whose manifest lacks spec.suspend leaves it as it is. Where another
manager declares it, the command is refused and names the manager: change it
there, such as in Git. A value that kubectl patch or kubectl edit wrote is
replaced.

The command needs your permission to get and patch AdapterSets. portside's
ServiceAccount needs none for it.
`

const suspendCodes = `
Exit codes: 0 also when nothing had to change; 2 when an AdapterSet does not
exist, another manager declares spec.suspend, or the server refused; 1 when the
input or the connection is unusable.`

// newSetSuspend completes a command that sets spec.suspend.
func newSetSuspend(s *cli.Session, suspend bool, cmd *cobra.Command) *cobra.Command {
	var (
		chosen cli.AdapterSetFlags
		flags  requestFlags
	)
	verb := "resumed"
	if suspend {
		verb = "suspended"
	}
	cmd.Args, cmd.ValidArgsFunction = chosen.Args, s.CompleteAdapterSets
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := flags.client(s)
		if err != nil {
			return err
		}
		code, err := s.EachAdapterSet(cmd, &chosen, client, args, func(set *v1alpha1.AdapterSet) error {
			changed, err := client.SetSuspend(cmd.Context(), set, suspend)
			if err != nil {
				return err
			}
			note := ""
			if !changed {
				note = " (no change)"
			}
			return flags.print(s, set.Name, verb+note)
		})
		if err != nil {
			return err
		}
		return cli.Exit(code)
	}
	chosen.Add(cmd)
	flags.add(cmd)
	return cmd
}

// requestFlags are those of a command that writes a request to AdapterSets.
type requestFlags struct{ dryRun, output string }

func (f *requestFlags) add(cmd *cobra.Command) {
	f.dryRun, f.output = "none", "text"
	cli.Choose(cmd, &f.dryRun, "dry-run", "", "With server, the server does everything but store it", "none", "server")
	cli.Choose(cmd, &f.output, "output", "o", "Output format", "text", "name")
}

func (f *requestFlags) client(s *cli.Session) (*request.Client, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	return request.NewClient(config, f.dryRun == "server")
}

// print prints what was done with an AdapterSet, as kubectl does.
func (f *requestFlags) print(s *cli.Session, name, done string) error {
	text := cli.AdapterSetName(name)
	if f.output == "text" {
		text += " " + done
		if f.dryRun == "server" {
			text += " (server dry run)"
		}
	}
	_, err := fmt.Fprintln(s.Out, text)
	return err
}
