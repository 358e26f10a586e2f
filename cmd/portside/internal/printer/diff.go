package printer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
)

// Diff returns what a result changes, with the number of pods that restart: the
// ports of each container or of the Service, then other fields.
func Diff(out Stream, r apply.Result, others []changes.FieldChange) string {
	text := portsDiff(out, r) + othersDiff(out, r, others)
	if text == "" {
		return fmt.Sprintf("%s: the ports stay and only their owners change: restarts no pod\n", place(r, r.Container))
	}
	return text
}

// place names a list of ports: that of a container or, without one, that of the target.
func place(r apply.Result, container string) string {
	if container == "" {
		return r.Target.String()
	}
	return fmt.Sprintf("%s, container %s", r.Target, container)
}

// portsDiff returns the ports before and after: of a Service, or container by container,
// since ports may also be removed from another container than the one that is desired.
// A change of a Service restarts nothing.
func portsDiff(out Stream, r apply.Result) string {
	if before, after := r.Before.Service, r.After.Service; after != nil {
		return listDiff(out, place(r, "")+": restarts no pod", texts(before.Ports, ServicePort), texts(after.Ports, ServicePort))
	}
	var text strings.Builder
	for _, after := range r.After.Containers {
		before, _ := r.Before.Container(after.Name)
		if before == nil {
			continue // another manager added it meanwhile
		}
		text.WriteString(listDiff(out, place(r, after.Name)+": "+restarts(r.Before.Restarts), texts(before.Ports, ContainerPort), texts(after.Ports, ContainerPort)))
	}
	return text.String()
}

func texts[P any](ports []P, text func(P) string) []string {
	var all []string
	for _, p := range ports {
		all = append(all, text(p))
	}
	return all
}

// listDiff returns the ports of a list before and after, below a heading. It is empty
// where nothing changes.
func listDiff(out Stream, heading string, before, after []string) string {
	steps := compare(before, after)
	if !changed(steps) {
		return ""
	}
	lines := []string{heading}
	for _, s := range steps {
		lines = append(lines, out.Paint(colors[s.edit], Clean(fmt.Sprintf("%c %s", s.edit, s.port))))
	}
	return strings.Join(lines, "\n") + "\n"
}

var colors = map[edit]Color{removed: Red, added: Green}

// othersDiff returns the changes of other fields than ports.
func othersDiff(out Stream, r apply.Result, others []changes.FieldChange) string {
	if len(others) == 0 {
		return ""
	}
	consequence := "restarts no pod"
	if slices.ContainsFunc(others, func(c changes.FieldChange) bool { return strings.HasPrefix(c.Path, "spec.template.") }) {
		consequence = restarts(r.Before.Restarts)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, other fields: %s\n", r.Target, consequence)
	for _, c := range others {
		switch {
		case c.Before == "":
			text.WriteString(out.Paint(Green, Clean(fmt.Sprintf("+ %s: %s", c.Path, c.After))))
		case c.After == "":
			text.WriteString(out.Paint(Red, Clean(fmt.Sprintf("- %s: %s", c.Path, c.Before))))
		default:
			text.WriteString(Clean(fmt.Sprintf("~ %s: %s -> %s", c.Path, c.Before, c.After)))
		}
		text.WriteString("\n")
	}
	return text.String()
}

// Pods returns "no pod" or "at most 3 pods".
func Pods(n int32) string {
	switch n {
	case 0:
		return "no pod"
	case 1:
		return "at most 1 pod"
	}
	return fmt.Sprintf("at most %d pods", n)
}

// Joined returns what the ports cost where the service applies them with the next
// rollout that another manager causes.
func Joined(r apply.Result) string {
	cost := "no pod restarts for it"
	switch surge := r.Before.Surge; {
	case surge >= r.Before.Restarts:
		cost = "every pod restarts twice, so that nothing is gained (maxSurge)"
	case surge > 0:
		cost = Pods(surge) + " more (maxSurge)"
	}
	return "with the next rollout that another manager causes (spec.rollout.mode NextRollout): " + cost + "\n"
}

// restarts reports how many pods a change of the template restarts.
func restarts(n int32) string {
	if n == 0 {
		return "restarts no pod (by its update strategy)"
	}
	return "restarts " + Pods(n)
}
