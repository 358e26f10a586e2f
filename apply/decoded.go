package apply

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// decoded is what is read of managedFields, once for all who ask: a pass asks a
// dozen times, and decoding is most of what it computes.
type decoded struct {
	of []metav1.ManagedFieldsEntry

	mu      sync.Mutex
	entries fieldmanager.Entries // nil before the first question
	looks   map[lookOf]*look
}

// lookOf is a container, and whose point of view it is.
type lookOf struct {
	us        fieldmanager.Manager
	container *workload.Container
}

// InUse is a copy that reads managedFields once, for all that is asked of it.
// Neither it nor its containers may be changed. A [Workload.Trimmed] remembers
// nothing, so that it stays small.
func (w *workload.Workload) InUse() *workload.Workload {
	used := *w
	used.decoded = &decoded{of: w.ManagedFields}
	return &used
}

// memory is where what was read of these managedFields is remembered: nowhere
// else where nobody asks for that, or somebody has put others in their place.
func (w *workload.Workload) memory() *decoded {
	if d := w.decoded; d != nil && len(d.of) == len(w.ManagedFields) && (len(d.of) == 0 || &d.of[0] == &w.ManagedFields[0]) {
		return d
	}
	return &decoded{of: w.ManagedFields}
}

// entries are the managedFields, decoded. They must not be changed.
func (w *workload.Workload) entries() (fieldmanager.Entries, error) {
	d := w.memory()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.decode(w)
}

func (d *decoded) decode(w *workload.Workload) (fieldmanager.Entries, error) {
	if d.entries != nil {
		return d.entries, nil
	}
	seen := borrowSeen()
	defer seen.giveBack()
	entries, err := seen.decode(d.of)
	if err != nil {
		return nil, &workload.TargetError{w.target(), err}
	}
	d.entries = entries
	return entries, nil
}

// lookAt reads one of the containers, as who owns its ports. Its error is
// managedFields that cannot be read.
func (w *workload.Workload) lookAt(us fieldmanager.Manager, c *workload.Container) (*look, error) {
	d := w.memory()
	d.mu.Lock()
	defer d.mu.Unlock()
	entries, err := d.decode(w)
	if err != nil {
		return nil, err
	}
	key := lookOf{us, c}
	if d.looks[key] == nil {
		if d.looks == nil {
			d.looks = map[lookOf]*look{}
		}
		d.looks[key] = lookAt(entries, us, c)
	}
	return d.looks[key], nil
}
