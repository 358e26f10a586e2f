package mirror

import (
	"fmt"
	"sync"

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
	rows map[types.NamespacedName]*V

	synced   chan struct{}
	syncOnce sync.Once
}

func newTable[V any](keep func(any) (V, bool), changed func(types.NamespacedName, *V, *V)) *table[V] {
	return &table[V]{keep: keep, changed: changed, rows: map[types.NamespacedName]*V{}, synced: make(chan struct{})}
}

// row is what is kept of one object on its way from a reflector. It gives the
// name, which is all of metadata that reflectors ask of what was transformed.
type row[V any] struct {
	name  types.NamespacedName
	value *V
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
	return &row[V]{nameOf(meta), &value}, nil
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// Add implements cache.ReflectorStore.
func (t *table[V]) Add(object any) error { return t.Update(object) }

// Update implements cache.ReflectorStore.
func (t *table[V]) Update(object any) error {
	r, err := t.rowOf(object)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(r)
	return nil
}

func (t *table[V]) put(r *row[V]) {
	before := t.rows[r.name]
	t.rows[r.name] = r.value
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
		t.changed(name, before, nil)
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

func (t *table[V]) get(name types.NamespacedName) *V {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows[name]
}
