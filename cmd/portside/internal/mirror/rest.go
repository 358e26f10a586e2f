package mirror

import (
	"context"
	"maps"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// restAfter is how long a row must not have been touched to be packed: up to
// twice that.
const restAfter = 2 * time.Second

// rest packs rows that nobody touches until ctx ends.
func (m *Mirror) rest(ctx context.Context) {
	tick := time.NewTicker(restAfter)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.packUntouched()
		case <-ctx.Done():
			return
		}
	}
}

// packUntouched packs the rows that nobody has touched since it was last
// called. Where those were many, all came with a list or changed at once, and
// what that took goes back to the system: the collector alone would keep it,
// and there may be nothing to collect for long. It goes back by the page, so
// that what stays is moved together first. The same is done where few rows are
// left of many, since Go's maps never become smaller.
func (m *Mirror) packUntouched() {
	if m.options.Busy != nil && m.options.Busy() {
		return
	}
	rows, packed := m.sets.packUntouched()
	for _, table := range m.workloads {
		r, p := table.packUntouched()
		rows, packed = rows+r, packed+p
	}
	m.most = max(m.most, rows)
	if many, few := packed > 0 && packed >= rows/4, rows < m.most/2; !many && !few {
		return
	}
	m.most = rows
	runtime.GC() // makes room to move to, and empties the pools, together with the next
	m.sets.compact()
	m.pods.compact()
	for _, table := range m.workloads {
		table.compact()
	}
	m.compactIndexes()
	m.mu.RLock()
	rested := m.rested
	m.mu.RUnlock()
	rested()
	debug.FreeOSMemory()
}

// compact moves the names of the rows, and those that are packed, to memory of
// their own.
func (t *table[V]) compact() {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := make(map[types.NamespacedName]*stored[V], len(t.rows))
	for name, row := range t.rows {
		if row.packed != "" {
			row = &stored[V]{packed: strings.Clone(row.packed), version: row.version}
		}
		rows[cloned(name)] = row
	}
	t.rows = rows
}

func (m *Mirror) compactIndexes() {
	m.mu.Lock()
	defer m.mu.Unlock()
	setsOf := make(map[workload.Target][]types.NamespacedName, len(m.setsOf))
	for t, names := range m.setsOf {
		t.Namespace, t.Name = strings.Clone(t.Namespace), strings.Clone(t.Name)
		moved := make([]types.NamespacedName, len(names))
		for i, name := range names {
			moved[i] = cloned(name)
		}
		setsOf[t] = moved
	}
	m.setsOf = setsOf
	m.podsOf, m.left = rebuilt(m.podsOf), rebuilt(m.left)
}

// rebuilt is a map that is no larger than what is in it.
func rebuilt[K comparable, V any](from map[K]V) map[K]V {
	to := make(map[K]V, len(from))
	maps.Copy(to, from)
	return to
}

func cloned(name types.NamespacedName) types.NamespacedName {
	return types.NamespacedName{Namespace: strings.Clone(name.Namespace), Name: strings.Clone(name.Name)}
}
