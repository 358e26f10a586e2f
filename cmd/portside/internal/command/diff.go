package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
	"github.com/portside-dev/portside/cmd/portside/internal/ports"
)

type diffCommand struct {
	*session
	input   inputFlags
	manager string
}

func newDiff(s *session) *cobra.Command {
	d := &diffCommand{session: s}
	cmd := &cobra.Command{
		Use:   "diff -f FILE|DIR|- [--adapters FILE|-]",
		Short: "Show what apply would change, and how many pods that restarts",
		Long: `Show what apply would change, by a dry run on the server, and how many pods
that restarts at most. Nothing is stored.

Exit codes, as kubectl diff: 0 when apply would change nothing, 1 when it would
change something, more when the question could not be answered. A port that
could not be had is a warning, and no difference: apply would exit 2 for it.`,
		Example: `  # What the recorded answer of a server would change
  portside diff -f adapterset.yaml --adapters adapters.json`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		Annotations:       map[string]string{failureCodeAnnotation: "2"},
		RunE:              func(cmd *cobra.Command, _ []string) error { return d.diff(cmd) },
	}
	d.input.add(cmd)
	fieldManagerFlag(cmd, &d.manager)
	return cmd
}

func (d *diffCommand) diff(cmd *cobra.Command) error {
	jobs, err := d.input.read(cmd, d.session)
	if err != nil {
		return err
	}
	applier, err := d.applier(d.manager, dryRunServer)
	if err != nil {
		return err
	}
	all := d.passes(cmd.Context(), applier, jobs, recorder{run: dryRunServer})
	d.explain(all, d.messages.Warn)
	code := exitOK
	for _, one := range all {
		switch {
		case one.err != nil:
			code = exitDiffFailed
		case one.result.Outcome == apply.TargetNotFound:
			d.messages.Warn("%s: %s is not there; apply would skip it", one.place, one.result.Target)
		case one.result.Outcome == apply.Applied:
			code = max(code, exitDifferent)
			if err := writeDiff(d.out, one.result); err != nil {
				return err
			}
		}
	}
	return exitWith(code)
}

// writeDiff prints one target's ports before and after, container by
// container: a pass may also let go of ports in another than the one it is for.
func writeDiff(out output.Stream, r apply.Result) error {
	if r.Before == nil || r.After == nil {
		return errors.New("the server's answer has nothing to compare")
	}
	var text strings.Builder
	for _, after := range r.After.Containers {
		before, _ := r.Before.Container(after.Name)
		if before == nil {
			continue // added by somebody else in between
		}
		steps := ports.Compare(before.Ports, after.Ports)
		if !ports.Changed(steps) {
			continue
		}
		fmt.Fprintf(&text, "%s, container %s: restarts %s\n", r.Target, after.Name, pods(r.Before.Restarts))
		for _, step := range steps {
			text.WriteString(paintStep(out, step) + "\n")
		}
	}
	if text.Len() == 0 {
		fmt.Fprintf(&text, "%s, container %s: the ports stay, only who owns them changes: restarts no pod\n", r.Target, r.Container)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func pods(n int32) string {
	switch n {
	case 0:
		return "no pod (by its update strategy)"
	case 1:
		return "at most 1 pod"
	}
	return fmt.Sprintf("at most %d pods", n)
}

func paintStep(out output.Stream, step ports.Step) string {
	line := output.Clean(fmt.Sprintf("%c %s", step.Edit, ports.Line(step.Port)))
	switch step.Edit {
	case ports.Goes:
		return out.Paint(output.Red, line)
	case ports.Comes:
		return out.Paint(output.Green, line)
	}
	return line
}
