package mirror

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// keepAdapterSet drops what nobody here reads. Annotations may hold a copy of
// the whole object, managedFields are its longest part.
func keepAdapterSet(object any) (v1alpha1.AdapterSet, bool) {
	set, ok := object.(*v1alpha1.AdapterSet)
	if !ok {
		return v1alpha1.AdapterSet{}, false
	}
	return v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         set.Namespace,
			Name:              set.Name,
			UID:               set.UID,
			ResourceVersion:   set.ResourceVersion,
			Generation:        set.Generation,
			CreationTimestamp: set.CreationTimestamp,
			DeletionTimestamp: set.DeletionTimestamp,
			Finalizers:        set.Finalizers,
			Annotations:       keepAnnotations(set.Annotations),
		},
		Spec:   set.Spec,
		Status: set.Status,
	}, true
}

// maxRequestedAt is how many bytes of [v1alpha1.RequestedAtAnnotation] are kept.
const maxRequestedAt = 64

// keepAnnotations returns the one annotation that portside reads, nil without it.
func keepAnnotations(annotations map[string]string) map[string]string {
	at, requested := annotations[v1alpha1.RequestedAtAnnotation]
	if !requested {
		return nil
	}
	return map[string]string{v1alpha1.RequestedAtAnnotation: strings.Clone(at[:min(len(at), maxRequestedAt)])}
}

// AdapterSets are those that name a target, the oldest first. They must not be
// changed.
func (m *Mirror) AdapterSets(t workload.Target) []*v1alpha1.AdapterSet {
	m.mu.RLock()
	names := slices.Clone(m.setsOf[t])
	m.mu.RUnlock()
	sets := make([]*v1alpha1.AdapterSet, 0, len(names))
	for _, name := range names {
		if set := m.sets.get(name); set != nil && adapterset.Target(set) == t {
			sets = append(sets, set)
		}
	}
	slices.SortFunc(sets, func(a, b *v1alpha1.AdapterSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return sets
}

// Targets are all that an AdapterSet names, or named until it was deleted.
func (m *Mirror) Targets() []workload.Target {
	m.mu.RLock()
	defer m.mu.RUnlock()
	targets := make([]workload.Target, 0, len(m.setsOf)+len(m.left))
	for t := range m.setsOf {
		targets = append(targets, t)
	}
	for t := range m.left {
		if len(m.setsOf[t]) == 0 {
			targets = append(targets, t)
		}
	}
	return targets
}

// Left reports whether the last AdapterSet of a target was deleted while this
// process watched, and what we own there has not been given up yet.
func (m *Mirror) Left(t workload.Target) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.left[t]
}

// GaveUp forgets that a target was left.
func (m *Mirror) GaveUp(t workload.Target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.left, t)
}

// setChanged keeps the index of targets and tells of what matters: a change of
// status alone is our own.
func (m *Mirror) setChanged(name types.NamespacedName, before, after *v1alpha1.AdapterSet) {
	m.mu.Lock()
	if before != nil && (after == nil || adapterset.Target(before) != adapterset.Target(after)) {
		t := adapterset.Target(before)
		m.setsOf[t] = slices.DeleteFunc(m.setsOf[t], func(n types.NamespacedName) bool { return n == name })
		if len(m.setsOf[t]) == 0 {
			delete(m.setsOf, t)
			if !before.Spec.Suspend { // suspended: not even this is written
				m.left[t] = true
			}
		}
	}
	if after != nil {
		t := adapterset.Target(after)
		if !slices.Contains(m.setsOf[t], name) {
			m.setsOf[t] = append(m.setsOf[t], name)
		}
		delete(m.left, t)
	}
	m.mu.Unlock()
	if before != nil && after != nil && sameButStatus(before, after) {
		return
	}
	if before != nil {
		m.tell(adapterset.Target(before), AdapterSetChanged)
	}
	if after != nil && (before == nil || adapterset.Target(before) != adapterset.Target(after)) {
		m.tell(adapterset.Target(after), AdapterSetChanged)
	}
}

// sameButStatus reports whether nothing but the status and what is not read
// differs. It compares the generation, which the API server counts up with each
// change of spec and when a deletion begins.
func sameButStatus(a, b *v1alpha1.AdapterSet) bool {
	return a.UID == b.UID && a.Generation == b.Generation && slices.Equal(a.Finalizers, b.Finalizers) &&
		maps.Equal(a.Annotations, b.Annotations)
}

// EachAdapterSet calls with every AdapterSet, in no order.
func (m *Mirror) EachAdapterSet(call func(*v1alpha1.AdapterSet)) {
	m.sets.each(call)
}
