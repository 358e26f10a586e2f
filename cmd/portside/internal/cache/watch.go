package cache

import (
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// Priorities of targets in the queue.
const (
	// Changed: the desired ports changed, or may have.
	Changed = 0
	// Noticed: the workload changed, most often by our own write.
	Noticed = -5
	// Reporting: the ports are stored, and status is not written yet.
	Reporting = -10
)

// Watches enqueue the targets of AdapterSets and workloads that change. They are safe
// for concurrent use.
type Watches struct {
	cluster *Cluster

	mu   sync.Mutex
	left map[workload.Target]*Leftover
}

// Leftover is what the AdapterSets of a target that were deleted while this process watched
// may have left behind, and what is not given up yet. It must not be changed.
type Leftover struct {
	// Target reports that no other AdapterSet names the target.
	Target bool
	// Services are those that the AdapterSets named. Another one of the same target need
	// not name them.
	Services []workload.Target
	// Suspended is the last AdapterSet of the target if it was deleted while it was
	// suspended, nil otherwise. What it left behind is not given up.
	Suspended *v1alpha1.AdapterSet
}

// NewWatches returns watches of what the cluster caches.
func NewWatches(cluster *Cluster) *Watches {
	return &Watches{cluster: cluster, left: map[workload.Target]*Leftover{}}
}

// Sources returns the sources of a controller.
func (w *Watches) Sources() []source.TypedSyncingSource[workload.Target] {
	sources := []source.TypedSyncingSource[workload.Target]{source.TypedKind(w.cluster.cache, &v1alpha1.AdapterSet{}, w.adapterSets())}
	for _, d := range w.cluster.definitions {
		sources = append(sources, source.TypedKind[client.Object](w.cluster.cache, d.New(), w.workloads(d.Kind)))
	}
	return sources
}

// Left returns what is left behind of a target, nil if nothing is.
func (w *Watches) Left(t workload.Target) *Leftover {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left[t]
}

// GaveUp notes that what [Watches.Left] returned was given up. What was left behind
// meanwhile is not.
func (w *Watches) GaveUp(t workload.Target, left *Leftover) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left[t] == left {
		delete(w.left, t)
	}
}

type (
	queue       = workqueue.TypedRateLimitingInterface[workload.Target]
	setFuncs    = handler.TypedFuncs[*v1alpha1.AdapterSet, workload.Target]
	objectFuncs = handler.TypedFuncs[client.Object, workload.Target]
)

// enqueue adds a target with a priority.
func enqueue(q queue, t workload.Target, priority int) {
	if prioritized, ok := q.(priorityqueue.PriorityQueue[workload.Target]); ok {
		prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, t)
		return
	}
	q.Add(t)
}

// adapterSets enqueues the target of an AdapterSet, unless only its status or what
// is not cached changed.
func (w *Watches) adapterSets() handler.TypedEventHandler[*v1alpha1.AdapterSet, workload.Target] {
	return setFuncs{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[*v1alpha1.AdapterSet], q queue) {
			t := adapterset.Target(e.Object)
			w.named(t)
			enqueue(q, t, Changed)
		},
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[*v1alpha1.AdapterSet], q queue) {
			before, after := adapterset.Target(e.ObjectOld), adapterset.Target(e.ObjectNew)
			if e.ObjectOld.UID != e.ObjectNew.UID { // another AdapterSet of that name
				w.leave(e.ObjectOld)
				w.named(after)
				enqueue(q, before, Changed)
			}
			if !sameButStatus(e.ObjectOld, e.ObjectNew) {
				enqueue(q, after, Changed)
				w.enqueueOthers(e.ObjectOld, q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[*v1alpha1.AdapterSet], q queue) {
			w.leave(e.Object)
			enqueue(q, adapterset.Target(e.Object), Changed)
			w.enqueueOthers(e.Object, q)
		},
	}
}

// enqueueOthers enqueues the targets of the AdapterSets that name a Service of this one,
// which may give it up: no event of the Service follows.
func (w *Watches) enqueueOthers(set *v1alpha1.AdapterSet, q queue) {
	for _, service := range adapterset.ServiceTargets(set) {
		w.enqueueService(service, q)
	}
}

// sameButStatus reports whether nothing but the status and what is not cached
// differs. It compares the generation, which the API server counts up with each
// change of spec and when a deletion begins.
func sameButStatus(a, b *v1alpha1.AdapterSet) bool {
	return a.UID == b.UID && a.Generation == b.Generation && slices.Equal(a.Finalizers, b.Finalizers) &&
		maps.Equal(a.Annotations, b.Annotations)
}

// workloads enqueues a workload of a kind that is a target, or was left, when
// something that decisions depend on changed.
func (w *Watches) workloads(kind workload.Kind) handler.TypedEventHandler[client.Object, workload.Target] {
	enqueueTarget := func(o client.Object, q queue) {
		t := workload.Target{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}
		if kind == workload.Service {
			w.enqueueService(t, q)
			return
		}
		if left := w.Left(t); left != nil && left.Target || w.isTarget(t) {
			enqueue(q, t, Noticed)
		}
	}
	return objectFuncs{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[client.Object], q queue) {
			enqueueTarget(e.Object, q)
		},
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[client.Object], q queue) {
			enqueueTarget(e.Object, q)
		},
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[client.Object], q queue) {
			if !sameDecisions(e.ObjectOld, e.ObjectNew) {
				enqueueTarget(e.ObjectNew, q)
			}
		},
	}
}

// enqueueService enqueues the targets of the AdapterSets that name a Service, and of those
// that named it and have not given it up.
func (w *Watches) enqueueService(t workload.Target, q queue) {
	sets, _ := w.cluster.AdapterSets(t) // the index has no error
	for _, set := range slices.Concat(sets, w.cluster.LeavingAdapterSets(t)) {
		enqueue(q, adapterset.Target(set), Noticed)
	}
	for _, target := range w.leftBy(t) {
		enqueue(q, target, Noticed)
	}
}

// leftBy returns the targets of deleted AdapterSets that named a Service.
func (w *Watches) leftBy(service workload.Target) (targets []workload.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for target, l := range w.left {
		if slices.Contains(l.Services, service) {
			targets = append(targets, target)
		}
	}
	return targets
}

// sameDecisions reports whether nothing that decisions depend on differs.
func sameDecisions(a, b client.Object) bool {
	before, isObject := a.(*object)
	after, areObjects := b.(*object)
	if !isObject || !areObjects {
		return false
	}
	return before.workload.Equal(after.workload)
}

func (w *Watches) isTarget(t workload.Target) bool {
	sets, err := w.cluster.AdapterSets(t)
	return err != nil || len(sets) > 0 // when in doubt it is reconciled
}

// leave notes what an AdapterSet that is gone may have left behind. A suspended one lets
// nothing be written, not even to give the ports up, which is noted as well.
func (w *Watches) leave(set *v1alpha1.AdapterSet) {
	t := adapterset.Target(set)
	isTarget := w.isTarget(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	if set.Spec.Suspend {
		if !isTarget {
			l := w.leftOf(t)
			l.Suspended = set
			w.keep(t, l)
		}
		return
	}
	l := Leftover{Target: !isTarget, Services: slices.Clone(w.leftOf(t).Services)}
	for _, service := range adapterset.ServiceTargets(set) {
		if !slices.Contains(l.Services, service) {
			l.Services = append(l.Services, service)
		}
	}
	w.keep(t, l)
}

// named notes that an AdapterSet names a target again.
func (w *Watches) named(t workload.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep(t, Leftover{Services: w.leftOf(t).Services})
}

// leftOf returns a copy of what is left behind of a target.
func (w *Watches) leftOf(t workload.Target) Leftover {
	if l := w.left[t]; l != nil {
		return *l
	}
	return Leftover{}
}

// keep stores what is left behind of a target, if anything is.
func (w *Watches) keep(t workload.Target, l Leftover) {
	if l.Target || len(l.Services) > 0 || l.Suspended != nil {
		w.left[t] = &l
	} else {
		delete(w.left, t)
	}
}
