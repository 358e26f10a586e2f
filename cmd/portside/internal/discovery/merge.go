package discovery

import (
	"cmp"
	"maps"
	"slices"

	"github.com/portside-dev/portside/apply"
)

// Merged is what a poll leaves active.
type Merged struct {
	// Active are the active adapters. Nil means that nothing is known, which
	// is no reason to touch anything; that no adapter is active is empty.
	Active []apply.Adapter
	// Disagreed are the types, sorted, of which a pod gives other numbers
	// than those in Active.
	Disagreed []string
	// TooMany reports whether all pods together have more than
	// [apply.MaxAdapters], so that Active is what it was.
	TooMany bool
}

// Merge puts the answers of a poll together with what was active before them:
// cases 7 to 11 of the package comment. It is pure, and the order of the answers
// does not matter. That of last does: it is the order of what stays.
//
// Last is the Active of the poll before or, after a restart, the adapters
// whose ports are declared, empty if none are. While it is nil it is not known
// what a poll that is not complete would take away, so such a poll is not used.
func Merge(last []apply.Adapter, r Result) Merged {
	if len(r.Answers) == 0 || last == nil && !r.Complete() {
		return Merged{Active: last}
	}
	before, said := wordsOf(last), map[string][]word{}
	for _, answer := range r.Answers {
		for typ, w := range wordsOf(answer.Adapters) {
			said[typ] = append(said[typ], w)
		}
	}
	now := map[string]word{}
	var disagreed []string
	for typ := range before {
		if _, named := said[typ]; !named {
			said[typ] = nil // to be decided on all the same
		}
	}
	for typ, words := range said {
		w := decide(before[typ], words, r.Complete())
		if len(w) > 0 {
			now[typ] = w
		}
		if slices.ContainsFunc(words, func(other word) bool { return !slices.Equal(w, other) }) {
			disagreed = append(disagreed, typ)
		}
	}
	active := inOrder(last, before, now)
	if len(active) > apply.MaxAdapters {
		return Merged{Active: last, TooMany: true}
	}
	slices.Sort(disagreed)
	return Merged{Active: active, Disagreed: disagreed}
}

// word is what one pod says of one type: its active adapters, sorted. It is
// more than one where the pod has two of a type, which package apply reports.
type word []apply.Adapter

func wordsOf(adapters []apply.Adapter) map[string]word {
	words := map[string]word{}
	for _, a := range adapters {
		words[a.Type] = append(words[a.Type], a.Normal())
	}
	for typ, w := range words {
		slices.SortFunc(w, compareAdapters)
		words[typ] = slices.Compact(w)
	}
	return words
}

func compareAdapters(a, b apply.Adapter) int {
	return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
}

// valid tells that each of its adapters can have a port.
func (w word) valid() bool {
	return !slices.ContainsFunc(w, func(a apply.Adapter) bool { return a.Problem() != "" })
}

// decide returns the word that is taken for a type, empty when it is inactive.
func decide(last word, said []word, complete bool) word {
	if !complete && len(last) > 0 {
		return last
	}
	if len(said) == 0 {
		return nil
	}
	agreed := !slices.ContainsFunc(said, func(w word) bool { return !slices.Equal(w, said[0]) })
	if !agreed && len(last) > 0 && last.valid() {
		return last
	}
	return preferred(said)
}

// preferred is a word that can be ports before one that cannot, then that of
// most pods, then the lowest.
func preferred(said []word) word {
	count := func(w word) (n int) {
		for _, other := range said {
			if slices.Equal(w, other) {
				n++
			}
		}
		return n
	}
	return slices.MinFunc(said, func(a, b word) int {
		if a.valid() != b.valid() {
			if a.valid() {
				return -1
			}
			return 1
		}
		return cmp.Or(-cmp.Compare(count(a), count(b)), slices.CompareFunc(a, b, compareAdapters))
	})
}

// inOrder lists what stands unchanged, in the order in which it stood, and
// then the rest by type.
func inOrder(last []apply.Adapter, before, now map[string]word) []apply.Adapter {
	active, listed := []apply.Adapter{}, map[string]bool{}
	for _, a := range last {
		if w := now[a.Type]; !listed[a.Type] && len(w) > 0 && slices.Equal(w, before[a.Type]) {
			active, listed[a.Type] = append(active, w...), true
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(now)) {
		if !listed[typ] {
			active = append(active, now[typ]...)
		}
	}
	return active
}
