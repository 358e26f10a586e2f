package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
)

func newRelease(s *cli.Session) *cobra.Command {
	var (
		print     cli.PrintFlags
		write     cli.WriteFlags
		keepPorts bool
	)
	cmd := &cobra.Command{
		Use:   "release KIND/NAME",
		Short: "Release portside's ownership of a workload or a Service",
		Long: `Release portside's ownership of a workload or a Service. The adapter ports that
no other manager owns are removed, which restarts the pods of a workload. With
--keep-ports they stay, without an owner, and nothing restarts. So does the last
port of a Service that cannot be without one.

Exit codes: 0 also when portside owns nothing there; 2 when the target is
missing or paused, the field manager owns other fields (with --keep-ports it
may), or the server refused; 1 when the input or the connection is unusable.`,
		Example: `  # Remove the adapter ports
  portside release statefulset/dittofs

  # Leave them to another manager
  portside release statefulset/dittofs --keep-ports
  portside release service/dittofs-file --keep-ports`,
		Args:              cli.OneTarget,
		ValidArgsFunction: s.CompleteTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := s.Target(args)
			if err != nil {
				return err
			}
			writer, err := s.Writer(write, "release")
			if err != nil {
				return err
			}
			result, err := writer.Release(cmd.Context(), target, keepPorts)
			code, err := writer.Print(print, result, err)
			if err != nil {
				return err
			}
			if result.Outcome == apply.Unchanged {
				s.Messages.Note("%s owns nothing of %s", write.FieldManager, result.Target)
			}
			return cli.Exit(code)
		},
	}
	print.Add(cmd)
	write.Add(cmd)
	cmd.Flags().BoolVar(&keepPorts, "keep-ports", false, "Leave the ports in place, without an owner")
	return cmd
}
