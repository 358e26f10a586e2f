package printer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
)

// History is the document that history prints.
type History struct {
	Target    Target           `json:"target"`
	Revisions []history.Change `json:"revisions"`
	// Resource is what kubectl calls the objects that keep the revisions.
	Resource string `json:"-"`
}

// Table returns a row for each change. A Service has no revisions.
func (h History) Table(wide bool) Table {
	t := Table{Columns: []string{"REVISION", "AGE", "BY", "CHANGE"}}
	revision := func(c history.Change) []string {
		if c.Name == "" {
			return []string{none}
		}
		return []string{fmt.Sprint(c.Revision)}
	}
	if wide {
		t.Columns = []string{"REVISION", "NAME", "TIME", "BY", "BECAUSE", "CHANGE"}
		number := revision
		revision = func(c history.Change) []string { return append(number(c), orNone(c.Name)) }
	}
	if h.Target.kind == workload.Service {
		t.Columns = t.Columns[len(revision(history.Change{})):]
		revision = func(history.Change) []string { return nil }
	}
	now := time.Now()
	for _, c := range h.Revisions {
		if !wide {
			t.Rows = append(t.Rows, append(revision(c), age(c.Time, now), c.By(), ChangeText(c)))
			continue
		}
		when := "<unknown>"
		if c.Time != nil {
			when = c.Time.UTC().Format(time.RFC3339)
		}
		t.Rows = append(t.Rows, append(revision(c), when, c.By(), c.Because, ChangeText(c)))
	}
	return t
}

// Names returns the revisions as kubectl names them, each once: one may have had
// several numbers.
func (h History) Names() []string {
	var names []string
	for _, c := range h.Revisions {
		name := h.Resource + "/" + c.Name
		if c.Name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// ChangeText describes what a revision changed, or all ports of one that has none
// before it.
func ChangeText(c history.Change) string {
	if len(c.Ports) > 0 {
		return changes.Text(c.Ports)
	}
	var parts []string
	for _, container := range c.Containers {
		parts = append(parts, container.Container+": "+containerChange(container, c.Whole))
	}
	text := strings.Join(parts, "; ")
	switch {
	case c.Since != 0 && text == "":
		return fmt.Sprintf("the same ports as revision %d (%s)", c.Since, c.Missing())
	case c.Since != 0:
		return fmt.Sprintf("%s (since revision %d; %s)", text, c.Since, c.Missing())
	case c.Whole && text == "":
		text = "no ports"
	}
	switch {
	case c.Earliest:
		return text + " (earliest revision kept)"
	case c.Whole:
		return text + " (the revision before it is not kept)"
	}
	return text
}

func containerChange(c history.ContainerChange, whole bool) string {
	var parts []string
	for _, p := range c.Removed {
		parts = append(parts, "-"+ContainerPort(p))
	}
	for _, p := range c.Added {
		text := ContainerPort(p)
		if !whole {
			text = "+" + text
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "order of the ports"
	}
	return strings.Join(parts, ", ")
}
