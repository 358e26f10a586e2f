package discovery

import (
	"cmp"
	"maps"
	"slices"

	"github.com/portside-dev/portside/apply"
)

// Merged is what is active after a poll.
type Merged struct {
	// Active are the active adapters. Nil means that nothing is known yet, so
	// nothing changes; an empty list means that no adapter is active.
	Active []apply.Adapter
	// Disagreed are the types, sorted, for which a pod gives other numbers
	// than those in Active.
	Disagreed []string
	// TooMany reports whether all pods together have too many adapters, so that
	// Active is what it was.
	TooMany bool
}

// TooMany reports whether a list has more adapters than a source may name. It is
// the one check of that limit for all sources.
func TooMany(adapters int) bool { return adapters > apply.MaxAdapters }

// Merge merges the answers of a poll with what was active before: cases 7 to 11 of
// the package comment. It is pure. The order of the answers does not matter; that
// of last is the order of what stays.
//
// Last is the Active of the poll before or, after a restart, the adapters whose
// ports are declared, empty if there are none. If it is nil, it is not known what
// a poll that is not complete would remove, so such a poll is not used.
func Merge(last []apply.Adapter, r Result) Merged {
	if len(r.Answers) == 0 || last == nil && !r.Complete() {
		return Merged{Active: last}
	}
	before, reported := byType(last), map[string][]report{}
	for typ := range before {
		reported[typ] = nil // decided on also if no pod reports it
	}
	for _, answer := range r.Answers {
		for typ, c := range byType(answer.Adapters) {
			reported[typ] = append(reported[typ], c)
		}
	}
	now := map[string]report{}
	var disagreed []string
	for typ, reports := range reported {
		c := decide(before[typ], reports, r.Complete())
		if len(c) > 0 {
			now[typ] = c
		}
		if slices.ContainsFunc(reports, func(other report) bool { return !slices.Equal(c, other) }) {
			disagreed = append(disagreed, typ)
		}
	}
	active := inOrder(last, before, now)
	if TooMany(len(active)) {
		return Merged{Active: last, TooMany: true}
	}
	slices.Sort(disagreed)
	return Merged{Active: active, Disagreed: disagreed}
}

// report is what one pod reports of one type: its active adapters, sorted. There is
// more than one if the pod has two of a type, which package apply reports.
type report []apply.Adapter

func byType(adapters []apply.Adapter) map[string]report {
	reports := map[string]report{}
	for _, a := range adapters {
		reports[a.Type] = append(reports[a.Type], a.Normal())
	}
	for typ, c := range reports {
		slices.SortFunc(c, compareAdapters)
		reports[typ] = slices.Compact(c)
	}
	return reports
}

func compareAdapters(a, b apply.Adapter) int {
	return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
}

// valid reports whether each of the adapters can have a port.
func (c report) valid() bool {
	return !slices.ContainsFunc(c, func(a apply.Adapter) bool { return a.Problem() != "" })
}

// decide returns the report that is used for a type, empty if the type is inactive.
func decide(last report, reports []report, complete bool) report {
	if !complete && len(last) > 0 {
		return last
	}
	if len(reports) == 0 {
		return nil
	}
	agreed := !slices.ContainsFunc(reports, func(c report) bool { return !slices.Equal(c, reports[0]) })
	if !agreed && len(last) > 0 && last.valid() {
		return last
	}
	return preferred(reports)
}

// preferred returns a report that is valid rather than one that is not, then that
// of most pods, then the lowest.
func preferred(reports []report) report {
	count := func(c report) (n int) {
		for _, other := range reports {
			if slices.Equal(c, other) {
				n++
			}
		}
		return n
	}
	return slices.MinFunc(reports, func(a, b report) int {
		if a.valid() != b.valid() {
			if a.valid() {
				return -1
			}
			return 1
		}
		return cmp.Or(-cmp.Compare(count(a), count(b)), slices.CompareFunc(a, b, compareAdapters))
	})
}

// inOrder returns what is unchanged in the order of last, and then the rest by
// type.
func inOrder(last []apply.Adapter, before, now map[string]report) []apply.Adapter {
	active, listed := []apply.Adapter{}, map[string]bool{}
	for _, a := range last {
		if c := now[a.Type]; !listed[a.Type] && len(c) > 0 && slices.Equal(c, before[a.Type]) {
			active, listed[a.Type] = append(active, c...), true
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(now)) {
		if !listed[typ] {
			active = append(active, now[typ]...)
		}
	}
	return active
}
