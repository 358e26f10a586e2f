package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
	"github.com/portside-dev/portside/cmd/portside/internal/ports"
)

type diffCommand struct {
	*session
	input          inputFlags
	manager        string
	ignoreNotFound bool
}

func newDiff(s *session) *cobra.Command {
	d := &diffCommand{session: s}
	cmd := &cobra.Command{
		Use:   "diff -f FILE|DIR|- [--adapters FILE|-]",
		Short: "Show what sync would change, and how many pods that restarts",
		Long: `Show what sync would change, by a dry run on the server, and how many pods that
restarts at most. Nothing is stored. portside applies only ports; other fields
that would change, by admission or defaulting, are shown after them.

Exit codes: 0 when sync would change nothing; 1 when it would change something;
2 when sync would exit 2, whether or not there is a difference: a port is
Blocked or Invalid, the target is missing (unless --ignore-not-found), its
container is missing or ambiguous, the field manager owns other fields, or the
server refused; 3 when there is no answer, because the input or the connection
is unusable.`,
		Example: `  # What the recorded answer of a server would change
  portside diff -f adapterset.yaml --adapters adapters.json`,
		Args:              onlyFiles,
		ValidArgsFunction: cobra.NoFileCompletions,
		Annotations:       map[string]string{diffCodesAnnotation: "true"},
		RunE:              func(cmd *cobra.Command, _ []string) error { return d.diff(cmd) },
	}
	d.input.add(cmd)
	fieldManagerFlag(cmd, &d.manager)
	ignoreNotFoundFlag(cmd, &d.ignoreNotFound)
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
	all := d.passes(cmd.Context(), applier, jobs, recorder{manager: d.manager, run: dryRunServer})
	d.explain(all, d.ignoreNotFound)
	code := exitOK
	for _, one := range all {
		code = max(code, diffCode(one.code(d.ignoreNotFound)))
		if one.result.Outcome != apply.Applied && one.result.Outcome != apply.Unchanged {
			continue
		}
		differs, err := d.write(one.result)
		if err != nil {
			return err
		}
		if differs {
			code = max(code, exitDifferent)
		}
	}
	return exitWith(code)
}

// write prints what would change of one target, and reports whether anything
// would.
func (d *diffCommand) write(r apply.Result) (differs bool, err error) {
	if r.Before == nil || r.After == nil {
		return false, errors.New("the server's answer has nothing to compare")
	}
	others, err := r.OtherChanges()
	if err != nil {
		return false, err
	}
	if len(others) > 0 && r.Before.ResourceVersion != r.After.ResourceVersion {
		d.messages.Warn("%s: another manager changed it during the dry run, so only ports are compared: run diff again", r.Target)
		others = nil
	}
	if r.Outcome != apply.Applied && len(others) == 0 {
		return false, nil
	}
	text := portsDiff(d.out, r) + othersDiff(d.out, r, others)
	if text == "" {
		text = fmt.Sprintf("%s, container %s: the ports stay and only their owners change: restarts no pod\n", r.Target, r.Container)
	}
	_, err = io.WriteString(d.out, text)
	return true, err
}

// portsDiff returns one target's ports before and after, container by container:
// ports may also be removed from another container than the one that is desired.
func portsDiff(out output.Stream, r apply.Result) string {
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
	return text.String()
}

// othersDiff returns the changes of other fields than ports.
func othersDiff(out output.Stream, r apply.Result, changes []apply.FieldChange) string {
	if len(changes) == 0 {
		return ""
	}
	restarts := "no pod"
	if slices.ContainsFunc(changes, func(c apply.FieldChange) bool { return strings.HasPrefix(c.Path, "spec.template.") }) {
		restarts = pods(r.Before.Restarts)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, other fields: restarts %s\n", r.Target, restarts)
	for _, c := range changes {
		switch {
		case c.Before == "":
			text.WriteString(out.Paint(output.Green, output.Clean(fmt.Sprintf("+ %s: %s", c.Path, c.After))))
		case c.After == "":
			text.WriteString(out.Paint(output.Red, output.Clean(fmt.Sprintf("- %s: %s", c.Path, c.Before))))
		default:
			text.WriteString(output.Clean(fmt.Sprintf("~ %s: %s -> %s", c.Path, c.Before, c.After)))
		}
		text.WriteString("\n")
	}
	return text.String()
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
