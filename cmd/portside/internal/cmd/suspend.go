package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/cmd/portside/internal/request"
)

func newSuspend(s *cli.Session) *cobra.Command {
	return newSuspension(s, suspension{suspend: true, done: "suspended"}, &cobra.Command{
		Use:   "suspend adapterset/NAME",
		Short: "Stop portside from writing to the target of an AdapterSet",
		Long: `Stop portside from writing to the target and the Services of an AdapterSet, until
portside resume. The ports stay as they are, no pod restarts, and status goes on
saying what is found. Deleting a suspended AdapterSet leaves its ports in place,
still owned by portside: portside release gives them up.

It sets spec.suspend to true, with your own permissions. If a GitOps tool declares
the field with another value, its next apply would set it back: then nothing is
written, and the error names the tool. One that does not declare the field leaves
it alone.

Exit codes: 0 also when it is suspended already; 2 when an AdapterSet does not
exist, a manager declares the field, or the server refused; 1 when the input or
the connection is unusable.`,
		Example: `  portside suspend adapterset/dittofs
  portside suspend adapterset --all -n storage`,
	})
}

func newResume(s *cli.Session) *cobra.Command {
	return newSuspension(s, suspension{suspend: false, done: "resumed"}, &cobra.Command{
		Use:   "resume adapterset/NAME",
		Short: "Let portside write to the target of an AdapterSet again",
		Long: `Let portside write again to the target and the Services of an AdapterSet that was
suspended. Ports that changed meanwhile are applied at once, which restarts pods;
portside diff shows what that will be.

It removes spec.suspend, with your own permissions. If a GitOps tool declares the
field as true, nothing is written, and the error names the tool.

Exit codes: 0 also when it is not suspended; 2 when an AdapterSet does not exist,
a manager declares the field, or the server refused; 1 when the input or the
connection is unusable.`,
		Example: `  portside resume adapterset/dittofs
  portside resume adapterset --all -n storage`,
	})
}

// suspension is what suspend and resume differ in.
type suspension struct {
	suspend bool
	done    string
}

func newSuspension(s *cli.Session, what suspension, cmd *cobra.Command) *cobra.Command {
	var (
		all    bool
		print  cli.PrintFlags
		dryRun string
	)
	cmd.ValidArgsFunction = s.CompleteAdapterSets
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sets, err := adapterSetsOf(cmd, s, args, all)
		if err != nil {
			return err
		}
		code, err := sets.each(cmd.Context(), s, func(name string) error {
			changed, err := sets.Suspend(cmd.Context(), name, what.suspend, dryRun == "server")
			if err != nil {
				return err
			}
			return printLine(s, print, name, what.done, changed, dryRun == "server")
		})
		if err != nil {
			return err
		}
		return cli.Exit(code)
	}
	cmd.Flags().BoolVar(&all, "all", false, "All AdapterSets of the namespace")
	print.AddFormats(cmd, string(printer.TableFormat), string(printer.Name))
	dryRun = "none"
	cli.Choose(cmd, &dryRun, "dry-run", "", "With server, the server does everything but store it", "none", "server")
	return cmd
}

// printLine prints what became of an AdapterSet, as kubectl does for a patch.
func printLine(s *cli.Session, print cli.PrintFlags, name, done string, changed, dryRun bool) error {
	line := request.Kind + "/" + name
	if print.IsTable() {
		line += " " + done
		if !changed {
			line += " (no change)"
		}
		if dryRun {
			line += " (server dry run)"
		}
	}
	_, err := fmt.Fprintln(s.Out, printer.Clean(line))
	return err
}

// codeOf returns the exit code of an error of package request.
func codeOf(err error) int {
	if errors.As(err, new(*request.DeclaredError)) || errors.Is(err, errNotHandled) {
		return cli.Refused
	}
	return cli.CodeOf(err)
}
