package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Change is a revision that changed ports, or the oldest that is kept. Of a Service it is
// a change that portside recorded.
type Change struct {
	// Revision and Name are empty for a template that no revision has yet.
	Revision int64  `json:"revision,omitempty"`
	Name     string `json:"name,omitempty"`
	// Time is when the revision was made or, where that is not known, when
	// portside recorded the change.
	Time *metav1.Time `json:"time,omitempty"`
	// Whole reports that there is nothing to compare with, so that Containers are
	// all ports of it; Earliest that no kept template is older either.
	Whole    bool `json:"whole,omitempty"`
	Earliest bool `json:"earliest,omitempty"`
	// Since is the revision that this one is compared with, where those between
	// the two are not kept.
	Since      int64             `json:"since,omitempty"`
	Containers []ContainerChange `json:"containers"`
	// Ports are those of a Service that changed. A Service has no revisions and no
	// containers.
	Ports []v1alpha1.ChangedPort `json:"ports,omitempty"`
	// Managers made the change; there is none where that is not known. Certain
	// reports that they made all of it, and Because why that is certain or not.
	Managers []string `json:"managers"`
	Certain  bool     `json:"certain"`
	Because  string   `json:"because"`
}

// ContainerChange is the change of one container's ports. With neither added
// nor removed, their order changed.
type ContainerChange struct {
	Container string                 `json:"container"`
	Added     []corev1.ContainerPort `json:"added"`
	Removed   []corev1.ContainerPort `json:"removed"`
}

// By names the managers that made the change.
func (c Change) By() string {
	switch by := strings.Join(c.Managers, ", "); {
	case by == "":
		return "<unknown>"
	case c.Certain:
		return by
	default:
		return by + " and others"
	}
}

// Changes compares each revision with the one before it, the oldest first, and
// the workload as it is with the last. Of a Service it returns what portside recorded.
func (h *History) Changes() []Change { return h.changes(false) }

// Timeline returns Changes and the revisions that changed no port, which have no
// Containers: they restart pods, too.
func (h *History) Timeline() []Change { return h.changes(true) }

// changes returns the revisions that changed ports, or every revision.
func (h *History) changes(every bool) []Change {
	if h.workload.Service != nil {
		return h.recorded()
	}
	if len(h.revisions) == 0 {
		return []Change{}
	}
	changes := []Change{h.first()}
	steps := h.steps()
	match(steps, h.records)
	for i := range steps {
		if s := &steps[i]; every || len(s.differences) > 0 || s.isGap() {
			changes = append(changes, h.change(s))
		}
	}
	return changes
}

// recorded returns the records as changes.
func (h *History) recorded() []Change {
	changes := make([]Change, len(h.records))
	for i, r := range h.records {
		changes[i] = Change{
			Time: &h.records[i].Time, Containers: []ContainerChange{}, Ports: r.Ports,
			Managers: []string{r.Manager}, Certain: true, Because: "recorded in " + r.in,
		}
	}
	return changes
}

// steps are those from each revision to the next, and to the live template
// where it has other ports: its controller has not made a revision of it yet.
func (h *History) steps() []step {
	last := h.revisions[len(h.revisions)-1]
	all := slices.Clone(h.revisions)
	if len(differences(last.Containers, h.workload.Containers)) > 0 {
		all = append(all, workload.Revision{Number: last.Number + 1, Containers: h.workload.Containers})
	}
	steps := make([]step, 0, len(all))
	for i := range all[1:] {
		steps = append(steps, step{before: all[i], after: all[i+1], differences: differences(all[i].Containers, all[i+1].Containers)})
	}
	return steps
}

// first is the revision with the lowest number. It is not the earliest where a
// later one has a template that the workload had before it, too.
func (h *History) first() Change {
	r := h.revisions[0]
	return Change{
		Revision: r.Number, Name: r.Name, Time: timeOf(r.Numbered), Managers: []string{},
		Containers: differences(nil, r.Containers), Whole: true,
		Earliest: !slices.ContainsFunc(h.revisions, func(o workload.Revision) bool { return o.Created.Before(r.Created) }),
		Because:  "no older revision is kept",
	}
}

func timeOf(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return new(metav1.NewTime(t))
}

// change describes a step. What came with a revision that is not kept came at a
// time that is not known, unless it was recorded.
func (h *History) change(s *step) Change {
	c := Change{Revision: s.after.Number, Name: s.after.Name, Time: timeOf(s.after.Numbered), Containers: s.differences}
	if s.isPending() {
		c.Revision = 0
	}
	if s.isGap() {
		c.Since, c.Time = s.before.Number, nil
	}
	if n := len(s.records); n > 0 && c.Time == nil {
		c.Time = &s.records[n-1].Time
	}
	c.Managers, c.Certain, c.Because = h.attribute(s)
	return c
}

// Missing names the revisions before this one that are not kept, where Since is
// not the one before it.
func (c Change) Missing() string { return missingNumbers(c.Since, c.Revision) }

// missingNumbers reports which revisions between two are not kept.
func missingNumbers(before, after int64) string {
	if after == before+2 {
		return fmt.Sprintf("revision %d is not kept", before+1)
	}
	return fmt.Sprintf("revisions %d to %d are not kept", before+1, after-1)
}

// differences lists the containers whose ports differ. One that is gone takes
// its ports along.
func differences(before, after []workload.Container) []ContainerChange {
	changes := []ContainerChange{}
	portsOf := func(containers []workload.Container, name string) []corev1.ContainerPort {
		at := slices.IndexFunc(containers, func(c workload.Container) bool { return c.Name == name })
		if at < 0 {
			return nil
		}
		return containers[at].Ports
	}
	for _, c := range after {
		changes = appendChange(changes, c.Name, portsOf(before, c.Name), c.Ports)
	}
	for _, c := range before {
		if !slices.ContainsFunc(after, func(o workload.Container) bool { return o.Name == c.Name }) {
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
