package main

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// ledger has the writes of a target in the order in which the API server stored them, of
// portside and of all others. The server numbers the generations, so that each change of
// the spec belongs to the first write that has its generation.
type ledger struct {
	mu     sync.Mutex
	writes []write
}

// write is a write as the API server answered it.
type write struct {
	uid        types.UID
	version    uint64 // the resourceVersion
	generation int64
	ours       bool
}

// answered is an object in an answer.
type answered interface {
	GetUID() types.UID
	GetResourceVersion() string
	GetGeneration() int64
}

func (l *ledger) note(object answered, ours bool) {
	version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return // no object of the API server's
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, write{object.GetUID(), version, object.GetGeneration(), ours})
}

// reset begins a round with the target as it is.
func (l *ledger) reset(object answered) {
	l.mu.Lock()
	l.writes = nil
	l.mu.Unlock()
	if object != nil {
		l.note(object, false)
	}
}

// ours returns how often portside has changed the spec of the object. Of several answers
// with one version the first is that of the write, and others changed nothing.
func (l *ledger) ours(uid types.UID) (changes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	writes := slices.DeleteFunc(slices.Clone(l.writes), func(w write) bool { return w.uid != uid })
	slices.SortStableFunc(writes, func(a, b write) int { return cmp.Compare(a.version, b.version) })
	for i, w := range writes {
		if i > 0 && w.ours && w.generation > writes[i-1].generation {
			changes++
		}
	}
	return changes
}
