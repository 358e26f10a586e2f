package cmd

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newDiff(s *cli.Session) *cobra.Command {
	var input cli.InputFlags
	write := cli.DryRun()
	cmd := &cobra.Command{
		Use:   "diff -f FILE|DIR|- [--adapters FILE|-]",
		Short: "Show what sync would change, and how many pods that restarts",
		Long: `Show what sync would change, by a dry run on the server, and how many pods that
restarts at most: a change of a Service restarts none. Nothing is stored. A node
port that the server is yet to choose is not shown. portside applies only ports;
other fields that would change, by admission or defaulting, are shown after
them.

Exit codes: 0 when sync would change nothing; 1 when it would change something;
2 when sync would exit 2, whether or not there is a difference: a port is
Blocked or Invalid, the workload or a Service is missing (unless
--ignore-not-found), the container is missing or ambiguous, the field manager
owns other fields, or the server refused; 3 when there is no answer, because the
input or the connection is unusable.`,
		Example: `  # What the recorded answer of a server would change
  portside diff -f adapterset.yaml --adapters adapters.json`,
		Args:              cli.OnlyFiles,
		ValidArgsFunction: cobra.NoFileCompletions,
		Annotations:       cli.DiffCodes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			jobs, err := input.Read(cmd, s)
			if err != nil {
				return err
			}
			writer, err := s.Writer(write, "diff")
			if err != nil {
				return err
			}
			code := cli.OK
			for _, done := range writer.Sync(cmd.Context(), jobs) {
				code = max(code, cli.DiffCode(done.Code()))
				differs, err := writeDiff(s, done)
				if err != nil {
					return err
				}
				if differs {
					code = max(code, cli.Different)
				}
			}
			return cli.Exit(code)
		},
	}
	input.Add(cmd)
	cli.FieldManagerFlag(cmd, &write.FieldManager)
	return cmd
}

// writeDiff prints what would change of one target, and reports whether anything
// would.
func writeDiff(s *cli.Session, done cli.Done) (differs bool, err error) {
	r := done.Result
	if r.Outcome != apply.Applied && r.Outcome != apply.Unchanged {
		return false, nil
	}
	if r.Before == nil || r.After == nil {
		return false, errors.New("the server's answer has nothing to compare")
	}
	others, err := changes.OtherFields(r)
	if err != nil {
		return false, err
	}
	if len(others) > 0 && r.Before.ResourceVersion != r.After.ResourceVersion {
		s.Messages.Warn("%s: another manager changed it during the dry run, so only ports are compared: run diff again", r.Target)
		others = nil
	}
	if r.Outcome != apply.Applied && len(others) == 0 {
		return false, nil
	}
	text := printer.Diff(s.Out, r, others)
	if done.NextRollout() && r.TemplateChanged() && r.Before.Restarts > 0 {
		text += printer.Joined(r)
	}
	_, err = io.WriteString(s.Out, text)
	return true, err
}
