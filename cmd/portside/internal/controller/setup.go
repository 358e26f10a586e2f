package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// Options are what the service is to do.
type Options struct {
	// FieldManager is the name that ports are applied under.
	FieldManager string
	// Namespace is the only one to watch; all when empty.
	Namespace string
	// ExcludeNamespaces are those whose workloads are not written to.
	ExcludeNamespaces []string
	// Selector chooses AdapterSets by their labels; all when nil.
	Selector labels.Selector
	// Concurrent is how many targets are reconciled at once.
	Concurrent int
	// MaxConcurrentRollouts is how many targets may be in a rollout that we
	// caused. While targets of several namespaces wait, the places are shared out
	// by namespace.
	MaxConcurrentRollouts int
	// FullPass is the period in which the server is asked of each target,
	// whatever is known.
	FullPass time.Duration
	// Clock is the time; the machine's when nil.
	Clock clock.WithTicker
	// AllowLoopback lets pods have loopback addresses, for tests and the demo.
	AllowLoopback bool
	// Sources are kinds of source that are used before those of portside.
	Sources discovery.Sources
	// Version is portside's own, for the metrics.
	Version string
	// Registry takes the metrics.
	Registry prometheus.Registerer
}

// NewScheme knows the types that the service reads and writes.
func NewScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Service is what was added to a manager.
type Service struct{ reconciler *reconciler }

// Watching is nil once all that there is to watch was listed.
func (s *Service) Watching() error {
	if !s.reconciler.mirror.Synced() {
		return errors.New("AdapterSets and workloads are not listed yet")
	}
	return nil
}

// Add adds the service to a manager. It asks the API server nothing; its error
// is a field manager that cannot be one.
func Add(mgr manager.Manager, o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	b := &builder{Options: o, mgr: mgr}
	if err := b.connect(); err != nil {
		return nil, err
	}
	r, err := b.reconciler()
	if err != nil {
		return nil, err
	}
	for _, runnable := range []manager.Runnable{b.mirror, r.alarm, r.poller} {
		if err := mgr.Add(runnable); err != nil {
			return nil, err
		}
	}
	targets, err := controller.NewTyped("portside", mgr, controller.TypedOptions[workload.Target]{
		Reconciler:              r,
		MaxConcurrentReconciles: o.Concurrent,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[workload.Target](time.Second, 5*time.Minute),
		ReconciliationTimeout:   reconcileTimeout,
		LogConstructor:          logOf(mgr.GetLogger()),
		SkipNameValidation:      new(true),
	})
	if err != nil {
		return nil, err
	}
	return &Service{r}, targets.Watch(b.source)
}

// logOf says of which target something is said.
func logOf(log logr.Logger) func(*workload.Target) logr.Logger {
	log = log.WithValues("controller", "portside")
	return func(t *workload.Target) logr.Logger {
		if t == nil {
			return log
		}
		return log.WithValues("target", t.String())
	}
}

// reconcileTimeout bounds the requests of one reconciliation, so that a server
// that does not answer holds no worker for ever.
const reconcileTimeout = time.Minute

// builder puts the parts together.
type builder struct {
	Options
	mgr      manager.Manager
	measures *measures
	apps     appsclient.AppsV1Interface
	client   client.WithWatch
	mirror   *mirror.Mirror
	source   *targets
}

// connect makes the clients, whose requests are counted, and the mirror.
func (b *builder) connect() error {
	config := rest.CopyConfig(b.mgr.GetConfig())
	b.measures = newMeasures()
	config.Wrap(b.measures.count)
	// As Kubernetes' own controllers: a server that streams a list goes on to
	// compress each change after it, which costs both sides more than it saves.
	config.DisableCompression = true
	var err error
	if b.client, err = client.NewWithWatch(config, client.Options{Scheme: b.mgr.GetScheme(), Mapper: b.mgr.GetRESTMapper()}); err != nil {
		return err
	}
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	if b.apps, err = appsclient.NewForConfig(config); err != nil {
		return err
	}
	b.source = &targets{enough: b.Concurrent}
	b.mirror = mirror.New(b.client, mirror.Options{Namespace: b.Namespace, Selector: b.Selector, FieldManager: b.FieldManager, Busy: b.source.busy})
	b.source.mirror = b.mirror
	for _, c := range b.measures.collectors(b.mirror, b.Version) {
		if err := b.Registry.Register(c); err != nil {
			return fmt.Errorf("a metric: %w", err)
		}
	}
	return nil
}

func (b *builder) reconciler() (*reconciler, error) {
	// The policies that install prints refuse transfers. Without them the service
	// does the same.
	applier, err := apply.New(workload.ClientGo(b.apps), apply.WithFieldManager(b.FieldManager), apply.WithoutTransfers())
	if err != nil {
		return nil, err
	}
	wake := func(t workload.Target) { b.source.add(t, changed) }
	r := &reconciler{
		manager:  b.FieldManager,
		excluded: b.ExcludeNamespaces,
		fullPass: b.FullPass,
		clock:    b.Clock,
		mirror:   b.mirror,
		applier:  applier,
		client:   b.client,
		limit:    holding.NewLimit(b.MaxConcurrentRollouts, func(t workload.Target) string { return t.Namespace }, wake),
		alarm:    newAlarm(b.Clock, wake),
		teller:   b.mgr.GetEventRecorder("portside"),
		metrics:  b.measures,
		memories: memories{of: map[workload.Target]*memory{}},
	}
	b.mirror.TellRest(r.compact)
	r.poller = discovery.NewPoller(discovery.Options{Clock: b.Clock, Changed: wake, Observe: b.measures.polled})
	api := &httpapi.API{
		Clients: httpapi.NewClients(httpapi.Options{Now: b.Clock.Now, AllowLoopback: b.AllowLoopback}),
		Pods:    discovery.NewPods(b.mirror, b.controllerOf),
		Secret:  b.secret,
	}
	r.sources = slices.Concat(b.Sources, discovery.Sources{discovery.Declared, api.Source})
	return r, nil
}

// secret reads a Secret from the API server: Secrets are not watched.
func (b *builder) secret(ctx context.Context, name types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	return secret, b.client.Get(ctx, name, secret)
}

func (b *builder) controllerOf(ctx context.Context, name types.NamespacedName) (types.UID, *metav1.OwnerReference, error) {
	set := &appsv1.ReplicaSet{}
	if err := b.client.Get(ctx, name, set); err != nil {
		return "", nil, err
	}
	return set.UID, metav1.GetControllerOfNoCopy(set), nil
}

// Priorities of targets in the queue.
const (
	changed = 0  // what is wanted is, or may be, another
	noticed = -5 // the workload changed: most often our own write
)

// targets is the source of what is reconciled.
type targets struct {
	mirror *mirror.Mirror
	enough int // how many may wait before it is busy

	mu    sync.RWMutex
	queue priorityqueue.PriorityQueue[workload.Target] // nil before it leads
}

// Start implements source.TypedSource.
func (s *targets) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[workload.Target]) error {
	q, ok := queue.(priorityqueue.PriorityQueue[workload.Target])
	if !ok {
		return fmt.Errorf("the queue %T has no priorities", queue)
	}
	s.mu.Lock()
	s.queue = q
	s.mu.Unlock()
	s.mirror.Tell(func(t workload.Target, c mirror.Cause) {
		if c == mirror.WorkloadChanged {
			s.add(t, noticed)
			return
		}
		s.add(t, changed)
	})
	return nil
}

// busy tells that more targets wait than are reconciled at once.
func (s *targets) busy() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queue != nil && s.queue.Len() > s.enough
}

// WaitForSync implements source.TypedSyncingSource.
func (s *targets) WaitForSync(ctx context.Context) error {
	if err := s.mirror.WaitForSync(ctx); err != nil {
		return err
	}
	for _, t := range s.mirror.Targets() {
		s.add(t, changed)
	}
	return nil
}

func (s *targets) add(t workload.Target, priority int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.queue.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, t)
}
