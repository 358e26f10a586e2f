package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newSync(s *cli.Session) *cobra.Command {
	var (
		input cli.InputFlags
		print cli.PrintFlags
		write cli.WriteFlags
	)
	cmd := &cobra.Command{
		Use:     "sync -f FILE|DIR|- [--adapters FILE|-]",
		Aliases: []string{"apply"},
		Short:   "Sync adapter ports once, from AdapterSet files",
		Long: `The AdapterSet is read, not stored: sync applies the adapter-* ports of its
workload and its Services once, and creates no object in the cluster. To have
ports kept in sync, run the controller (see portside install) and store the
AdapterSet with kubectl. The command is also called apply.

An AdapterSet names the workload and its adapters. --adapters gives the list
that the workload's server answers to GET /api/v1/adapters, or the answer that
spec.discovery.http.expression maps to such a list, in place of the
adapters or the discovery of the one AdapterSet. All input is read and checked
first: if one document is invalid, nothing is written.

Nothing is forced, and only ports are written. A port that another manager
declares under another name is Shadowed, one that it declares under the same
name is Shared. A changed port of a container restarts pods, that of a Service
does not: see diff. A change is recorded in an Event about the workload or the
Service, if you may create Events: see history.

The Services of spec.services come after their workload, but before it where
they lose a port. If the workload is missing, they are left alone. All ports of
a Service are Blocked while a static port of it has no name; give it one in its
owner's manifest.

Exit codes: 0 when every desired port is Owned, Shared, Shadowed, Retained or
Pending, or spec.suspend is true; 2 when a port is Blocked or Invalid, the
workload or a Service is missing (unless --ignore-not-found), the container is
missing or ambiguous, the field manager owns other fields, a Service of type
NodePort or LoadBalancer would expose discovered adapters that spec.services
does not list, or the server refused; 1 when the input or the connection is
unusable.`,
		Example: `  # The adapters that the AdapterSet declares
  portside sync -f adapterset.yaml

  # The adapters that the server reports
  curl -sf https://dittofs:8080/api/v1/adapters |
    portside sync -f adapterset.yaml --adapters -

  # Every AdapterSet of a folder; the server checks the changes, but stores none
  portside sync -f adaptersets/ -R --dry-run=server`,
		Args:              cli.OnlyFiles,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			jobs, err := input.Read(cmd, s)
			if err != nil {
				return err
			}
			writer, err := s.Writer(write, "sync")
			if err != nil {
				return err
			}
			code, results := cli.OK, printer.NewResults(write.DryRun())
			for _, done := range writer.Sync(cmd.Context(), jobs) {
				results.Add(done.Result, cli.ErrorText(done.Err))
				code = cli.Worse(code, done.Code())
			}
			writer.NoteDryRun()
			if err := print.Print(s.Out, results); err != nil {
				return err
			}
			return cli.Exit(code)
		},
	}
	input.Add(cmd)
	print.Add(cmd)
	write.Add(cmd)
	return cmd
}
