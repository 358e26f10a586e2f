package history

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
)

// skew is how much later than its revision a record may be: an Event is created
// after the change, and the clock of portside's machine may be ahead.
const skew = 2 * time.Second

// step is one revision and the one before it that is kept.
type step struct {
	before, after workload.Revision
	differences   []ContainerChange
	// records are those that explain the differences.
	records []record
}

// isGap reports whether revisions between the two are not kept.
func (s *step) isGap() bool { return s.after.Number > s.before.Number+1 }

// isPending reports whether no revision has the template yet.
func (s *step) isPending() bool { return s.after.Name == "" }

// match finds the records that explain each step. A record is of the first
// revision that was made after it: a change that is stored is in every later
// revision, unless it was undone before. Where it is not known when revisions
// were made, there must be only one way to give each record a revision, in
// order. Records that explain nothing are of changes that never came to a
// revision, or of the first one that is kept.
func match(steps []step, records []record) {
	if len(steps) == 0 {
		return
	}
	var run []*step
	w := window{since: steps[0].before.Numbered}
	for i := range steps {
		s := &steps[i]
		if len(s.differences) > 0 || s.isGap() {
			run = append(run, s)
		}
		if s.after.Numbered.IsZero() && i < len(steps)-1 {
			continue
		}
		w.until, w.end = s.after.Numbered, endOf(s, steps[i+1:])
		records = records[before(records, w.since):]
		records = records[w.explain(run, records):]
		run, w.since = nil, w.until
	}
}

// before counts the records before a time.
func before(records []record, t time.Time) int {
	n := 0
	for n < len(records) && records[n].Time.Time.Before(t) {
		n++
	}
	return n
}

// endOf returns the latest time that a record of a step may have. It is when the
// revision was made, and a little later, unless the record may then be of a
// later step as well.
func endOf(s *step, later []step) time.Time {
	made := s.after.Numbered
	for i := range later {
		if l := &later[i]; !l.after.Numbered.After(made.Add(skew)) && maps.Equal(l.net(), s.net()) {
			return made
		}
	}
	return made.Add(skew)
}

// window is the time of a run of steps: since the revision before it was made,
// until the last of it was; records are of the end at the latest. Times that are
// not known are zero.
type window struct{ since, until, end time.Time }

// explain gives the steps of a run the records that explain them, and returns
// how many records are over with it. The first records may be of the revision
// before.
func (w *window) explain(run []*step, records []record) int {
	for skip := range before(records, w.since.Add(skew+1)) + 1 {
		if n := w.fit(run, records[skip:]); n > 0 {
			return skip + n
		}
	}
	if w.until.IsZero() {
		return len(records)
	}
	return before(records, w.until)
}

// fit gives the steps of a run the first of the records, if these explain them,
// and returns how many. All before the last step was made must be among them;
// later ones may be of the next step.
func (w *window) fit(run []*step, records []record) int {
	least, most := len(records), len(records)
	if !w.until.IsZero() {
		least, most = before(records, w.until), before(records, w.end.Add(1))
	}
	if len(run) == 1 && len(run[0].differences) > 0 {
		return fitOne(run[0], records, max(1, least), most)
	}
	if slices.ContainsFunc(run, (*step).isGap) {
		return 0
	}
	for n := min(most, len(run)); n >= max(1, least); n-- {
		if fitEach(run, records[:n]) {
			return n
		}
	}
	return 0
}

// fitEach explains one step by each record, in order, if there is only one way
// to: the first step that each may be of is also the last.
func fitEach(run []*step, records []record) bool {
	explains := func(r record, s *step) bool { return maps.Equal(net([]record{r}), s.net()) }
	first := make([]int, 0, len(records))
	at := 0
	for _, r := range records {
		for at < len(run) && !explains(r, run[at]) {
			at++
		}
		first = append(first, at)
		at++
	}
	if at > len(run) {
		return false
	}
	at = len(run) - 1
	for i, r := range slices.Backward(records) {
		for !explains(r, run[at]) {
			at--
		}
		if at != first[i] {
			return false
		}
		at--
	}
	for i := range records {
		run[first[i]].records = records[i : i+1]
	}
	return true
}

// fitOne explains one step by at least and at most so many records together.
func fitOne(s *step, records []record, least, most int) int {
	for _, fits := range []func(net, differences map[changedPort]int) bool{maps.Equal[map[changedPort]int, map[changedPort]int], isPart} {
		for n := least; n <= most; n++ {
			if fits(net(records[:n]), s.net()) {
				s.records = records[:n]
				return n
			}
		}
	}
	return 0
}

// port is a port of a container, whether it was added or removed.
type changedPort = v1alpha1.ChangedPort

// net is what records come to: 1 for a port that was added, -1 for one that was
// removed.
func net(records []record) map[changedPort]int {
	all := map[changedPort]int{}
	for _, r := range records {
		for _, p := range r.Ports {
			count(all, p)
		}
	}
	return all
}

func (s *step) net() map[changedPort]int {
	all := map[changedPort]int{}
	for _, c := range s.differences {
		for _, p := range c.Added {
			count(all, changes.Port(c.Container, p, v1alpha1.PortAdded))
		}
		for _, p := range c.Removed {
			count(all, changes.Port(c.Container, p, v1alpha1.PortRemoved))
		}
	}
	return all
}

func count(all map[changedPort]int, p changedPort) {
	by := 1
	if p.Change == v1alpha1.PortRemoved {
		by = -1
	}
	p.Change = ""
	if all[p] += by; all[p] == 0 {
		delete(all, p)
	}
}

// isPart reports whether the records come to a part of the differences, and the
// rest is about no adapter port: another manager changed its own ports before
// the revision was made.
func isPart(net, differences map[changedPort]int) bool {
	if len(net) == 0 {
		return false
	}
	for p, by := range net {
		if differences[p] != by {
			return false
		}
	}
	for p := range differences {
		if _, explained := net[p]; !explained && strings.HasPrefix(p.Name, port.NamePrefix) {
			return false
		}
	}
	return true
}
