package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newOwners(s *cli.Session) *cobra.Command {
	var (
		print     cli.PrintFlags
		container string
	)
	cmd := &cobra.Command{
		Use:   "owners KIND/NAME",
		Short: "Show every port and the managers that own it",
		Long: `Show every port of a workload's containers, or of a Service, and the managers
that own it, from managedFields. A port stays as long as one owner declares it.

-o wide has a line for each manager: how it writes, which fields of the port it
owns (a manager may own a field, such as hostPort or targetPort, and not the
port), and when it last changed anything that it owns in this object. -o name
prints the names of the owners.

Exit codes: 0 when the ports are shown; 2 when the target or the container is
missing, or the server refused; 1 when the input or the connection is unusable.`,
		Example: `  portside owners statefulset/dittofs
  portside owners sts dittofs -c dittofs -o wide
  portside owners service/dittofs-file`,
		Args:              cli.OneTarget,
		ValidArgsFunction: s.CompleteTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := s.Target(args)
			if err != nil {
				return err
			}
			if target.Kind == workload.Service && container != "" {
				return cli.UsageError(cmd, "a Service has no containers: leave out --container")
			}
			w, err := s.Get(cmd.Context(), target)
			if err != nil {
				return err
			}
			if container != "" {
				if _, err := w.Container(container); err != nil {
					return err
				}
			}
			owners, err := printer.OwnersOf(w, container)
			if err != nil {
				return err
			}
			if len(owners.Ports) == 0 && print.IsTable() {
				s.Messages.Note("%s declares no port", target)
				return nil
			}
			return print.Print(s.Out, owners)
		},
	}
	print.Add(cmd)
	s.ContainerFlag(cmd, &container, "Show the ports of this container alone")
	return cmd
}
