package history

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/fieldmanager"
)

// reaction is how long after a write its revision is made at the latest, in
// most cases. Times have whole seconds.
const reaction = 3 * time.Second

// attribute returns the managers that made a step's change, whether they made
// all of it, and what that rests on. Where the managers are not known there is
// none, and the last result is the reason.
func (h *History) attribute(s *step) (managers []string, certain bool, because string) {
	managers = []string{}
	if len(s.records) > 0 {
		var in []string
		for _, r := range s.records {
			managers, in = append(managers, r.Manager), append(in, r.in)
		}
		managers, in = sorted(managers), sorted(in)
		because = "recorded in " + strings.Join(in, ", ")
		if len(net(s.records)) < len(s.net()) {
			return managers, false, because + "; another manager changed the other ports"
		}
		return managers, true, because
	}
	switch {
	case s.isGap():
		return managers, false, missingNumbers(s.before.Number, s.after.Number)
	case s.after.Numbered.IsZero() && !s.isPending():
		return managers, false, "when this revision came back is not known"
	case len(s.differences) == 0:
		return managers, false, "managedFields do not show this change" + s.lastWrites(h.wrote(s))
	}
	owner, why := h.owner(s)
	if why != "" {
		return managers, false, why
	}
	return []string{owner.Name}, true, "owns the added ports, has not written since"
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// owner returns the manager that made a change as managedFields show it: the
// only owner of every port that was added, whose last write was between the two
// revisions. Otherwise it returns what is missing.
func (h *History) owner(s *step) (m fieldmanager.Manager, why string) {
	added := func(c ContainerChange) bool { return len(c.Added) > 0 }
	removed := func(c ContainerChange) bool { return len(c.Removed) > 0 }
	owners, owned := h.ownersOfAdded(s)
	wrote := h.wrote(s)
	switch {
	case !slices.ContainsFunc(s.differences, added) && !slices.ContainsFunc(s.differences, removed):
		return m, "managedFields do not show a new order" + s.lastWrites(wrote)
	case !slices.ContainsFunc(s.differences, added):
		return m, "managedFields do not show removals" + s.lastWrites(wrote)
	case !owned:
		return m, "an added port has no owner any more"
	case len(owners) > 1:
		return m, "the added ports have several owners: " + strings.Join(fieldmanager.Names(owners), ", ")
	case wrote[owners[0]].IsZero():
		return m, owners[0].Name + " owns the added ports, but last wrote at another time"
	case len(wrote) > 1 && slices.ContainsFunc(s.differences, removed):
		return m, "ports were added and removed" + s.lastWrites(wrote)
	}
	return owners[0], ""
}

// ownersOfAdded are the owners of the ports that were added. It is false where
// one of the ports was removed since, or has no owner.
func (h *History) ownersOfAdded(s *step) (owners []fieldmanager.Manager, all bool) {
	live, err := apply.Owners(h.workload)
	if err != nil {
		return nil, false
	}
	for _, c := range s.differences {
		for _, added := range c.Added {
			at := slices.IndexFunc(live, func(p apply.OwnedPort) bool { return p.Container == c.Container && p.Port == added })
			if at < 0 || len(live[at].Owners.Item) == 0 {
				return nil, false
			}
			owners = append(owners, live[at].Owners.Item...)
		}
	}
	slices.SortFunc(owners, fieldmanager.Manager.Compare)
	return slices.Compact(owners), true
}

// wrote returns the managers whose last write was since the revision before was
// made, and until this one was, with its time.
func (h *History) wrote(s *step) map[fieldmanager.Manager]time.Time {
	entries, err := fieldmanager.Decode(h.workload.ManagedFields)
	if err != nil {
		return nil
	}
	last := map[fieldmanager.Manager]time.Time{}
	for _, e := range entries {
		if e.Subresource == "" && e.Time != nil && e.Time.After(last[e.Manager]) { // a subresource has no ports
			last[e.Manager] = e.Time.Time
		}
	}
	maps.DeleteFunc(last, func(_ fieldmanager.Manager, t time.Time) bool {
		return t.Before(s.before.Numbered) || !s.isPending() && t.After(s.after.Numbered)
	})
	return last
}

// lastWrites names the managers of these that wrote just before the revision was
// made.
func (s *step) lastWrites(wrote map[fieldmanager.Manager]time.Time) string {
	var then []fieldmanager.Manager
	for m, t := range wrote {
		if !t.Before(s.after.Numbered.Add(-reaction)) {
			then = append(then, m)
		}
	}
	if len(then) == 0 {
		return ""
	}
	return "; last write then: " + strings.Join(fieldmanager.Names(then), ", ")
}
