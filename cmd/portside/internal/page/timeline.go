package page

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// timeline is the history of an object.
type timeline struct {
	// Summary counts the revisions and rollouts.
	Summary string
	Absent  string
	Notes   []string
	Entries []entry
}

// entry is a revision, or a change of a Service.
type entry struct {
	Title string
	// Name is that of the object that keeps the revision.
	Name string
	Time *moment
	// By are the managers that made the change, Unknown whether there are others, or
	// none is known, and Because what that rests on.
	By      []mark
	Unknown string
	Because string
	Ports   []portEdit
	// Text is what happened besides the ports.
	Text string
	// Pods is what became of the pods.
	Pods string
	// Restart is true where the pods restart.
	Restart bool
}

// portEdit is a port that was added, removed or changed.
type portEdit struct {
	// Sign is "+", "−", or "~"; Class and Word are the same in CSS and for a screen
	// reader.
	Sign, Class, Word string
	Container, Port   string
}

var (
	added   = portEdit{Sign: "+", Class: "added", Word: "added"}
	removed = portEdit{Sign: "−", Class: "removed", Word: "removed"}
	changed = portEdit{Sign: "~", Class: "changed", Word: "changed"}
	kept    = portEdit{Sign: "·", Class: "kept", Word: "declared"}
)

func (e portEdit) of(container, port string) portEdit {
	e.Container, e.Port = cut(clean(container)), cut(clean(port))
	return e
}

func (p Page) timeline(o Object, ms marks) timeline {
	t := timeline{Absent: clean(o.History.Absent)}
	for _, note := range o.History.Notes {
		t.Notes = append(t.Notes, cut(clean(note)))
	}
	if t.Absent != "" {
		return t
	}
	rollouts := rolloutsOf(o)
	for _, c := range o.History.Changes {
		t.Entries = append(t.Entries, p.entry(o, c, ms, rollouts))
	}
	t.Summary = summary(o.History.Changes)
	return t
}

func (p Page) entry(o Object, c history.Change, ms marks, rollouts string) entry {
	e := entry{Name: clean(c.Name), Because: cut(clean(c.Because)), Ports: editsOf(c)}
	if c.Time != nil {
		at := p.moment(c.Time.Time)
		e.Time = &at
	}
	for _, name := range c.Managers {
		e.By = append(e.By, ms.named(name, o.Tree))
	}
	switch {
	case len(c.Managers) == 0:
		e.Unknown = "unknown"
	case !c.Certain:
		e.Unknown = "and others"
	}
	switch {
	case len(c.Ports) > 0:
		e.Title, e.Pods = "Ports of the Service", "No pod restarts for a change of a Service."
	case c.Whole:
		e.Title, e.Unknown = fmt.Sprintf("Revision %d", c.Revision), ""
		e.Text = "The oldest revision that the cluster keeps, with all its ports."
		if !c.Earliest {
			e.Text = "The revision before it is not kept. These are all its ports."
		}
	case c.Name == "":
		e.Title, e.Pods = "No revision yet", "The controller has not begun a rollout of this pod template."
	default:
		e.Title = fmt.Sprintf("Revision %d", c.Revision)
		e.Pods, e.Restart = rollouts, true
	}
	if c.Since != 0 {
		e.Text = fmt.Sprintf("Compared with revision %d: %s.", c.Since, c.Missing())
	}
	if text := otherChange(c); text != "" {
		e.Text = join(" ", e.Text, text)
	}
	return e
}

// otherChange describes a revision that added and removed no port.
func otherChange(c history.Change) string {
	switch {
	case len(editsOf(c)) > 0:
		return ""
	case c.Whole:
		return "It has none."
	case len(c.Containers) > 0:
		return "The order of the ports changed."
	}
	return "No port changed: another part of the pod template did."
}

// editsOf returns the ports of a change, the removed ones first.
func editsOf(c history.Change) []portEdit {
	var edits []portEdit
	for _, p := range c.Ports {
		edit, text := changed, fmt.Sprintf("%s %d/%s", p.Name, p.Port, p.Protocol)
		switch p.Change {
		case v1alpha1.PortAdded:
			edit = added
		case v1alpha1.PortRemoved:
			edit = removed
		}
		edits = append(edits, edit.of("", strings.TrimSpace(text)))
	}
	for _, container := range c.Containers {
		list := func(as portEdit, ports []corev1.ContainerPort) {
			for _, p := range ports {
				edits = append(edits, as.of(container.Container, printer.ContainerPort(p)))
			}
		}
		list(removed, container.Removed)
		if c.Whole {
			list(kept, container.Added)
		} else {
			list(added, container.Added)
		}
	}
	return edits
}

// rolloutsOf says what a new pod template does to the pods of a workload.
func rolloutsOf(o Object) string {
	strategy := at(o.Root, "spec", "updateStrategy")
	if o.Kind == "Deployment" {
		strategy = at(o.Root, "spec", "strategy")
	}
	switch partition := textAt(strategy, "rollingUpdate", "partition"); {
	case textAt(strategy, "type") == "OnDelete":
		return "Each pod takes the new template when it is deleted (OnDelete)."
	case partition != "" && partition != "0":
		return fmt.Sprintf("The rollout restarts the pods from ordinal %s on (partition).", partition)
	}
	return "The rollout restarts every pod."
}

// summary counts the rollouts that the history knows of.
func summary(all []history.Change) string {
	rollouts, ports := 0, 0
	gap := false
	for _, c := range all {
		if c.Whole || c.Name == "" {
			continue
		}
		rollouts++
		gap = gap || c.Since != 0
		if len(c.Containers) > 0 {
			ports++
		}
	}
	if rollouts == 0 {
		return ""
	}
	text := fmt.Sprintf("%s since the oldest revision kept; %d of them changed ports.", count(rollouts, "rollout"), ports)
	if gap {
		return "At least " + text
	}
	return text
}
