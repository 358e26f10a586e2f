package history

import (
	"fmt"
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
	// Time is when the revision was made, where that is known. TimeProbable
	// tells that it is when the one manager that may have made it last wrote.
	Time         *metav1.Time `json:"time,omitempty"`
	TimeProbable bool         `json:"timeProbable,omitempty"`
	// Whole tells that there is nothing to compare with, so that Containers are
	// all ports of it; Earliest that no kept template is older either.
	Whole    bool `json:"whole,omitempty"`
	Earliest bool `json:"earliest,omitempty"`
	// Since is the revision that this one is compared with, where those between
	// the two are not kept.
	Since      int64             `json:"since,omitempty"`
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
		if i == 0 {
			changes = append(changes, h.first())
			continue
		}
		before := h.revisions[i-1]
		c := Change{Revision: r.number, Name: r.name, Managers: []string{}, Containers: differences(before.containers, r.containers)}
		switch {
		case r.number > before.number+1:
			// Some of it may have come with a revision that is not kept.
			c.Since = before.number
			h.attribute(&c, time.Time{}, time.Time{})
			c.Because = fmt.Sprintf("%s: the change may have been made with %s; %s",
				missingNumbers(before.number, r.number), oneOrThem(before.number, r.number), c.Because)
		case len(c.Containers) == 0:
			continue
		default:
			if !r.made.IsZero() {
				c.Time = new(metav1.NewTime(r.made))
			}
			h.attribute(&c, before.made, r.made)
		}
		if i == len(h.revisions)-1 {
			h.guessTime(&c, h.ownersOfAdded(&c), before.made)
		}
		changes = append(changes, c)
	}
	if pending, is := h.pending(); is {
		changes = append(changes, pending)
	}
	return changes
}

// first is the revision with the lowest number. It is not the earliest where a
// later one has a template that the workload had before it, too.
func (h *History) first() Change {
	r := h.revisions[0]
	c := Change{
		Revision: r.number, Name: r.name, Managers: []string{},
		Containers: differences(nil, r.containers), Whole: true,
		Earliest: !slices.ContainsFunc(h.revisions, func(o revision) bool { return o.created.Before(r.created) }),
		Because:  "nothing older is kept to compare it with",
	}
	if !r.made.IsZero() {
		c.Time = new(metav1.NewTime(r.made))
	}
	return c
}

// missingNumbers says which revisions between two are not kept.
func missingNumbers(before, after int64) string {
	if after == before+2 {
		return fmt.Sprintf("revision %d is not kept", before+1)
	}
	return fmt.Sprintf("revisions %d to %d are not kept", before+1, after-1)
}

func oneOrThem(before, after int64) string {
	if after == before+2 {
		return "it"
	}
	return "them"
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
	h.attribute(&c, last.made, time.Now())
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
		parts = append(parts, container.Container+": "+container.text(c.Whole))
	}
	text := strings.Join(parts, "; ")
	switch {
	case c.Since != 0 && text == "":
		return fmt.Sprintf("the same ports as revision %d (%s)", c.Since, missingNumbers(c.Since, c.Revision))
	case c.Since != 0:
		return fmt.Sprintf("%s (since revision %d; %s)", text, c.Since, missingNumbers(c.Since, c.Revision))
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

func (c ContainerChange) text(whole bool) string {
	var parts []string
	for _, p := range c.Removed {
		parts = append(parts, "-"+ports.Line(p))
	}
	for _, p := range c.Added {
		line := ports.Line(p)
		if !whole {
			line = "+" + line
		}
		parts = append(parts, line)
	}
	if len(parts) == 0 {
		return "order of the ports"
	}
	return strings.Join(parts, ", ")
}
