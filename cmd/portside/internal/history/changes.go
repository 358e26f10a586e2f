package history

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/ports"
)

// Change is a revision that changed ports, or the earliest that is kept.
type Change struct {
	// Revision and Name are empty for a template that no revision has yet.
	Revision int64  `json:"revision,omitempty"`
	Name     string `json:"name,omitempty"`
	// Time is when the revision was made; it is not known where the template
	// went back to an older revision.
	Time *metav1.Time `json:"time,omitempty"`
	// Earliest tells that nothing older is kept, so that Containers are all
	// ports of it.
	Earliest   bool              `json:"earliest,omitempty"`
	Containers []ContainerChange `json:"containers"`
	// Managers are who may have made the change, and Certain tells that it was
	// the one named. Because says what that rests on.
	Managers []string `json:"managers"`
	Certain  bool     `json:"certain"`
	Because  string   `json:"because"`
}

// ContainerChange is what became of one container's ports. With neither added
// nor removed, their order changed.
type ContainerChange struct {
	Container string                 `json:"container"`
	Added     []corev1.ContainerPort `json:"added"`
	Removed   []corev1.ContainerPort `json:"removed"`
}

// Changes compares each revision with the one before it, the oldest first, and
// the workload as it is with the last.
func (h *History) Changes() []Change {
	changes := []Change{}
	for i, r := range h.revisions {
		c := Change{Revision: r.number, Name: r.name, Managers: []string{}}
		if i == 0 {
			c.Earliest, c.Containers = true, differences(nil, r.containers)
			c.Time, c.Because = new(metav1.NewTime(r.created)), "nothing older is kept to compare it with"
			changes = append(changes, c)
			continue
		}
		before := h.revisions[i-1]
		if c.Containers = differences(before.containers, r.containers); len(c.Containers) == 0 {
			continue
		}
		if r.created.Before(before.created) {
			c.Because = "the template went back to this revision; when is not kept"
		} else {
			c.Time = new(metav1.NewTime(r.created))
			h.attribute(&c, before.created, r.created)
		}
		changes = append(changes, c)
	}
	if pending, is := h.pending(); is {
		changes = append(changes, pending)
	}
	return changes
}

// pending is the live template where the newest revision has other ports: its
// controller has not got to it.
func (h *History) pending() (Change, bool) {
	if len(h.revisions) == 0 {
		return Change{}, false
	}
	last := h.revisions[len(h.revisions)-1]
	c := Change{Managers: []string{}, Containers: differences(last.containers, h.workload.Containers)}
	if len(c.Containers) == 0 {
		return c, false
	}
	h.attribute(&c, last.created, time.Now())
	c.Because = "no revision has it yet; " + c.Because
	return c, true
}

// differences lists the containers whose ports differ. One that is gone takes
// its ports along.
func differences(before, after []apply.Container) []ContainerChange {
	changes := []ContainerChange{}
	portsOf := func(containers []apply.Container, name string) []corev1.ContainerPort {
		at := slices.IndexFunc(containers, func(c apply.Container) bool { return c.Name == name })
		if at < 0 {
			return nil
		}
		return containers[at].Ports
	}
	for _, c := range after {
		changes = appendChange(changes, c.Name, portsOf(before, c.Name), c.Ports)
	}
	for _, c := range before {
		if !slices.ContainsFunc(after, func(o apply.Container) bool { return o.Name == c.Name }) {
			changes = appendChange(changes, c.Name, c.Ports, nil)
		}
	}
	return changes
}

func appendChange(changes []ContainerChange, container string, before, after []corev1.ContainerPort) []ContainerChange {
	if slices.Equal(before, after) {
		return changes
	}
	return append(changes, ContainerChange{
		Container: container,
		Added:     missing(after, before),
		Removed:   missing(before, after),
	})
}

// missing are the ports of one list that the other has not.
func missing(of, in []corev1.ContainerPort) []corev1.ContainerPort {
	found := []corev1.ContainerPort{}
	for _, p := range of {
		if !slices.Contains(in, p) {
			found = append(found, p)
		}
	}
	return found
}

// Text is the change on one line.
func (c Change) Text() string {
	var parts []string
	for _, container := range c.Containers {
		parts = append(parts, container.Container+": "+container.text(c.Earliest))
	}
	text := strings.Join(parts, "; ")
	switch {
	case c.Earliest && text == "":
		return "no ports (earliest revision kept)"
	case c.Earliest:
		return text + " (earliest revision kept)"
	}
	return text
}

func (c ContainerChange) text(earliest bool) string {
	var parts []string
	for _, p := range c.Removed {
		parts = append(parts, "-"+ports.Line(p))
	}
	for _, p := range c.Added {
		line := ports.Line(p)
		if !earliest {
			line = "+" + line
		}
		parts = append(parts, line)
	}
	if len(parts) == 0 {
		return "order of the ports"
	}
	return strings.Join(parts, ", ")
}
