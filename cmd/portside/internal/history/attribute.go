package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/fieldmanager"
)

// reaction is how long after a write its revision may come to be. Timestamps
// have whole seconds.
const reaction = 3 * time.Second

// By names who made the change, as far as that is known.
func (c Change) By() string {
	switch {
	case len(c.Managers) == 0:
		return "<unknown>"
	case c.Certain:
		return c.Managers[0]
	}
	return "probably " + strings.Join(c.Managers, " or ")
}

// attribute finds who may have made a change between two revisions. The
// cluster keeps of each manager what it owns and when it last wrote, not what
// it wrote then:
//
//  1. one manager owns what was added, and has written at that time and not
//     since: it was that one. after and until are that time, zero where it is
//     not known;
//  2. managers own what was added and have written since: probably one of them;
//  3. ports were only removed: probably the one manager whose last write was
//     just then, and after the revision before;
//  4. else it is not known: who added what is gone again may have no entry.
func (h *History) attribute(c *Change, after, until time.Time) {
	owners := h.ownersOfAdded(c)
	inTime := slices.DeleteFunc(slices.Clone(owners), func(m fieldmanager.Manager) bool {
		t := h.lastWrite(m)
		return after.IsZero() || t.Before(after) || t.After(until)
	})
	switch {
	case len(inTime) == 1:
		c.name(true, "it owns what was added, and has not written since", inTime)
		return
	case len(owners) > 0:
		c.name(false, "owners of what was added, which may have been written at another time", owners)
		return
	}
	if slices.ContainsFunc(c.Containers, func(c ContainerChange) bool { return len(c.Added) > 0 }) {
		c.Because = "nobody owns any more what was added"
		return
	}
	if after.IsZero() || until.IsZero() {
		c.Because = "when it was is not known"
		return
	}
	var justThen []fieldmanager.Manager
	for _, m := range h.managers() {
		if t := h.lastWrite(m); t.After(after) && !t.Before(until.Add(-reaction)) && !t.After(until) {
			justThen = append(justThen, m)
		}
	}
	switch len(justThen) {
	case 1:
		c.name(false, "its last write was just then", justThen)
	case 0:
		c.Because = "no manager's last write was just then"
	default:
		c.Because = fmt.Sprintf("%s all wrote just then", strings.Join(fieldmanager.Names(justThen), ", "))
	}
}

// guessTime takes the time of the newest change from the manager that probably
// made it, where the revision does not have it.
func (h *History) guessTime(c *Change, owners []fieldmanager.Manager, after time.Time) {
	if c.Time != nil || len(owners) != 1 {
		return
	}
	if t := h.lastWrite(owners[0]); t.After(after) {
		c.Time, c.TimeProbable = new(metav1.NewTime(t)), true
	}
}

func (c *Change) name(certain bool, because string, managers []fieldmanager.Manager) {
	c.Managers, c.Certain, c.Because = fieldmanager.Names(managers), certain, because
}

// ownersOfAdded are the managers that own an added port which is still there.
func (h *History) ownersOfAdded(c *Change) []fieldmanager.Manager {
	owned, err := apply.OwnersOf(h.workload)
	if err != nil {
		return nil // then nothing is known
	}
	var owners []fieldmanager.Manager
	for _, p := range owned {
		for _, container := range c.Containers {
			if container.Container == p.Container && slices.Contains(container.Added, p.Port) {
				owners = append(owners, p.Owners.Item...)
			}
		}
	}
	slices.SortFunc(owners, fieldmanager.Manager.Compare)
	return slices.Compact(owners)
}

// managers are those of the workload itself: a subresource has no ports.
func (h *History) managers() []fieldmanager.Manager {
	var managers []fieldmanager.Manager
	for i := range h.workload.ManagedFields {
		if m := managerOf(&h.workload.ManagedFields[i]); m.Subresource == "" {
			managers = append(managers, m)
		}
	}
	slices.SortFunc(managers, fieldmanager.Manager.Compare)
	return slices.Compact(managers)
}

func (h *History) lastWrite(m fieldmanager.Manager) time.Time {
	var last time.Time
	for i := range h.workload.ManagedFields {
		if e := &h.workload.ManagedFields[i]; managerOf(e) == m && e.Time != nil && e.Time.After(last) {
			last = e.Time.Time
		}
	}
	return last
}

func managerOf(e *metav1.ManagedFieldsEntry) fieldmanager.Manager {
	return fieldmanager.Manager{Name: e.Manager, Operation: e.Operation, Subresource: e.Subresource}
}
