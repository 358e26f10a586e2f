package mirror

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// table is the store of a reflector: the rows of one kind of object, by name.
type table[V any] struct {
	// keep takes what is kept of an object.
	keep func(object any) (V, bool)
	// changed is told of each row that was put, replaced or taken out, in
	// order, with what it was before. It must not call the table.
	changed func(name types.NamespacedName, before, after *V)

	mu   sync.RWMutex
	rows map[types.NamespacedName]*stored[V]

	synced   chan struct{}
	syncOnce sync.Once
}

// stored is a row: its value, or else its value packed.
type stored[V any] struct {
	value   *V
	packed  string
	version uint64      // see versionOf
	touched atomic.Bool // since rows were last looked through
}

// versionOf is a resourceVersion as a number that grows with every write, zero
// where it is none. See
// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
func versionOf(resourceVersion string) uint64 {
	version, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return version
}

func newTable[V any](keep func(any) (V, bool), changed func(types.NamespacedName, *V, *V)) *table[V] {
	return &table[V]{keep: keep, changed: changed, rows: map[types.NamespacedName]*stored[V]{}, synced: make(chan struct{})}
}

// row is what is kept of one object on its way from a reflector. It gives the
// name, which is all of metadata that reflectors ask of what was transformed.
type row[V any] struct {
	name    types.NamespacedName
	version uint64
	value   *V
}

// GetObjectMeta makes it a metav1.ObjectMetaAccessor.
func (r *row[V]) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: r.name.Namespace, Name: r.name.Name}
}

// Transformer lets a reflector drop the rest of each object of a list as it
// comes in.
func (t *table[V]) Transformer() cache.TransformFunc {
	return func(object any) (any, error) { return t.rowOf(object) }
}

func (t *table[V]) rowOf(object any) (*row[V], error) {
	if r, ok := object.(*row[V]); ok {
		return r, nil
	}
	meta, ok := object.(metav1.Object)
	if !ok {
		return nil, fmt.Errorf("%T has no metadata", object)
	}
	value, ok := t.keep(object)
	if !ok {
		return nil, fmt.Errorf("%T was not asked for", object)
	}
	return &row[V]{nameOf(meta), versionOf(meta.GetResourceVersion()), &value}, nil
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// Add implements cache.ReflectorStore.
func (t *table[V]) Add(object any) error { return t.Update(object) }

// Update implements cache.ReflectorStore. What the row has, or had before, is
// not even read: most often it is a write of ours, whose answer came first.
func (t *table[V]) Update(object any) error {
	if meta, ok := object.(metav1.Object); ok && t.has(nameOf(meta), versionOf(meta.GetResourceVersion())) {
		return nil
	}
	r, err := t.rowOf(object)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.rows[r.name].isOf(r.version) { // a later one may have been answered meanwhile
		t.put(r)
	}
	return nil
}

func (t *table[V]) has(name types.NamespacedName, version uint64) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows[name].isOf(version)
}

// isOf tells that the row is of this version, or of a later one.
func (s *stored[V]) isOf(version uint64) bool {
	return s != nil && version > 0 && version <= s.version
}

// answer puts what the server answered to a write, unless the row is gone or of
// a later version.
func (t *table[V]) answer(r *row[V], same func(before *V) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before := t.rows[r.name]; before != nil && before.version < r.version && same(t.value(before)) {
		t.put(r)
	}
}

func (t *table[V]) put(r *row[V]) {
	before := t.value(t.rows[r.name])
	now := &stored[V]{value: r.value, version: r.version}
	now.touched.Store(true)
	t.rows[r.name] = now
	t.changed(r.name, before, r.value)
}

// Delete implements cache.ReflectorStore.
func (t *table[V]) Delete(object any) error {
	r, err := t.rowOf(object)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take(r.name)
	return nil
}

func (t *table[V]) take(name types.NamespacedName) {
	if before, known := t.rows[name]; known {
		delete(t.rows, name)
		t.changed(name, t.value(before), nil)
	}
}

// Replace implements cache.ReflectorStore: what is not in the list is gone.
func (t *table[V]) Replace(list []any, _ string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	listed := make(map[types.NamespacedName]bool, len(list))
	for _, object := range list {
		r, err := t.rowOf(object)
		if err != nil {
			return err
		}
		listed[r.name] = true
		t.put(r)
	}
	for name := range t.rows {
		if !listed[name] {
			t.take(name)
		}
	}
	t.syncOnce.Do(func() { close(t.synced) })
	return nil
}

// Resync implements cache.ReflectorStore; reflectors here never do.
func (t *table[V]) Resync() error { return nil }

// get is a row, nil where there is none. It must not be changed.
func (t *table[V]) get(name types.NamespacedName) *V {
	t.mu.RLock()
	row := t.rows[name]
	t.mu.RUnlock()
	if row != nil {
		row.touched.Store(true)
	}
	return t.value(row)
}

// each calls with the value of each row, in no order, and lets others go on
// meanwhile. The values must not be changed.
func (t *table[V]) each(call func(*V)) {
	t.mu.RLock()
	rows := slices.Collect(maps.Values(t.rows))
	t.mu.RUnlock()
	for _, row := range rows {
		call(t.value(row))
	}
}

// value is the value of a row, nil of none. A row never changes, but for being
// touched: another one takes its place.
func (t *table[V]) value(row *stored[V]) *V {
	switch {
	case row == nil:
		return nil
	case row.value != nil:
		return row.value
	}
	var value V
	if err := unpack(row.packed, &value); err != nil {
		panic(err) // of what pack made
	}
	return &value
}

// packUntouched packs the rows that nobody has touched since it was last
// called. It answers with how many rows there are, and how many it packed.
func (t *table[V]) packUntouched() (rows, packed int) {
	t.mu.RLock()
	var untouched []types.NamespacedName
	for name, row := range t.rows {
		if !row.touched.Swap(false) && row.value != nil {
			untouched = append(untouched, name)
		}
	}
	rows = len(t.rows)
	t.mu.RUnlock()
	for _, name := range untouched {
		if t.pack(name) {
			packed++
		}
	}
	return rows, packed
}

// pack packs one row, and lets others have their turn in between.
func (t *table[V]) pack(name types.NamespacedName) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.rows[name]
	if row == nil || row.value == nil || row.touched.Load() {
		return false
	}
	text, err := pack(row.value)
	if err != nil {
		return false // it stays as it is
	}
	t.rows[name] = &stored[V]{packed: text, version: row.version}
	return true
}
