package mirror

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Cause is what a target is told of for.
type Cause int

// The causes.
const (
	// AdapterSetChanged: an AdapterSet of it is new, other than it was, or gone.
	AdapterSetChanged Cause = iota
	// WorkloadChanged: something that is kept of it is.
	WorkloadChanged
)

// Options say what to watch.
type Options struct {
	// Namespace is the only one to watch; all when empty.
	Namespace string
	// Selector chooses AdapterSets by their labels; all when nil.
	Selector labels.Selector
	// FieldManager is the one whose applies workloads are kept for;
	// apply.DefaultFieldManager when empty.
	FieldManager string
	// Busy tells that rows are about to be asked for; never when nil. None is
	// packed then.
	Busy func() bool
}

// Mirror is safe for concurrent use.
type Mirror struct {
	client  client.WithWatch
	options Options

	sets      *table[v1alpha1.AdapterSet]
	workloads map[workload.Kind]*table[workload.Workload]
	pods      *table[Pod]
	podsAsked chan struct{}
	askPods   sync.Once
	most      int // how many rows there were at most; of packUntouched

	mu     sync.RWMutex
	setsOf map[workload.Target][]types.NamespacedName
	podsOf podIndex
	left   map[workload.Target]bool
	told   func(workload.Target, Cause)
	rested func()
}

// New makes a mirror, empty until [Mirror.Start].
func New(c client.WithWatch, o Options) *Mirror {
	o.FieldManager = cmp.Or(o.FieldManager, apply.DefaultFieldManager)
	m := &Mirror{
		client: c, options: o,
		workloads: map[workload.Kind]*table[workload.Workload]{},
		podsAsked: make(chan struct{}),
		setsOf:    map[workload.Target][]types.NamespacedName{},
		podsOf:    podIndex{},
		left:      map[workload.Target]bool{},
		told:      func(workload.Target, Cause) {},
		rested:    func() {},
	}
	m.sets = newTable(keepAdapterSet, m.setChanged)
	m.pods = newTable(keepPod, m.podChanged)
	for _, kind := range workload.Kinds() {
		m.workloads[kind] = newTable(m.keepWorkload, m.workloadChanged(kind))
	}
	return m
}

// Tell has changes told from now on.
func (m *Mirror) Tell(told func(workload.Target, Cause)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = told
}

// TellRest has it told when much was packed, and what it took is about to go back
// to the system: others can move what they keep as well.
func (m *Mirror) TellRest(rested func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rested = rested
}

func (m *Mirror) tell(t workload.Target, c Cause) {
	m.mu.RLock()
	told := m.told
	m.mu.RUnlock()
	told(t, c)
}

// NeedLeaderElection is false: a process that waits to lead has seen all when
// its turn comes. It is controller-runtime's LeaderElectionRunnable.
func (m *Mirror) NeedLeaderElection() bool { return false }

// Start watches until ctx ends. It is controller-runtime's Runnable.
func (m *Mirror) Start(ctx context.Context) error {
	var reflectors sync.WaitGroup
	run := func(list client.ObjectList, one client.Object, store cache.ReflectorStore, selector labels.Selector) {
		r := cache.NewReflectorWithOptions(m.listWatch(list, selector), one, store, cache.ReflectorOptions{})
		reflectors.Go(func() { r.RunWithContext(ctx) })
	}
	reflectors.Go(func() { m.rest(ctx) })
	run(&v1alpha1.AdapterSetList{}, &v1alpha1.AdapterSet{}, m.sets, m.options.Selector)
	for _, d := range workload.Definitions() {
		run(d.NewList(), d.New(), m.workloads[d.Kind], nil)
	}
	select {
	case <-m.podsAsked:
		run(&corev1.PodList{}, &corev1.Pod{}, m.pods, nil)
	case <-ctx.Done():
	}
	reflectors.Wait()
	return nil
}

func (m *Mirror) listWatch(list client.ObjectList, selector labels.Selector) cache.ListerWatcher {
	options := func(raw *metav1.ListOptions) *client.ListOptions {
		return &client.ListOptions{Namespace: m.options.Namespace, LabelSelector: selector, Raw: raw}
	}
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, raw metav1.ListOptions) (runtime.Object, error) {
			result, _ := list.DeepCopyObject().(client.ObjectList)
			return result, explained(m.client.List(ctx, result, options(&raw)))
		},
		WatchFuncWithContext: func(ctx context.Context, raw metav1.ListOptions) (watch.Interface, error) {
			kind, _ := list.DeepCopyObject().(client.ObjectList)
			w, err := m.client.Watch(ctx, kind, options(&raw))
			return w, explained(err)
		},
	}, m.client)
}

// explained adds what to do to the error for a resource that the API server does
// not serve. Of those that are watched only AdapterSets can be missing.
func explained(err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w; install the CustomResourceDefinition of AdapterSets, which portside install prints", err)
	}
	return err
}

// WatchPods has the pods watched too. They are not there at once: see
// [Mirror.PodsSynced].
func (m *Mirror) WatchPods() { m.askPods.Do(func() { close(m.podsAsked) }) }

// PodsSynced is closed once the pods are there.
func (m *Mirror) PodsSynced() <-chan struct{} { return m.pods.synced }

// WaitForSync waits until all but pods was listed once. Its error is ctx's.
func (m *Mirror) WaitForSync(ctx context.Context) error {
	for _, synced := range m.lists() {
		select {
		case <-synced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Synced reports whether all but pods was listed once.
func (m *Mirror) Synced() bool {
	return !slices.ContainsFunc(m.lists(), func(synced <-chan struct{}) bool {
		select {
		case <-synced:
			return false
		default:
			return true
		}
	})
}

func (m *Mirror) lists() []<-chan struct{} {
	lists := []<-chan struct{}{m.sets.synced}
	for _, kind := range workload.Kinds() {
		lists = append(lists, m.workloads[kind].synced)
	}
	return lists
}
