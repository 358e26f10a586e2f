package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/sources"
	"github.com/portside-dev/portside/cmd/portside/internal/metrics"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// Options configure the service.
type Options struct {
	// FieldManager is the name that ports are applied under.
	FieldManager string
	// Namespace is the only one to watch; all when empty.
	Namespace string
	// ExcludeNamespaces are those whose workloads are not written to.
	ExcludeNamespaces []string
	// Services has the ports of Services managed too, for which the service must be
	// allowed to watch and patch Services.
	Services bool
	// Selector chooses AdapterSets by their labels; all when nil.
	Selector labels.Selector
	// Concurrent is how many targets are reconciled at once.
	Concurrent int
	// MaxConcurrentRollouts is how many targets may be in a rollout that we
	// caused. While targets of several namespaces wait, the places are shared out
	// by namespace.
	MaxConcurrentRollouts int
	// Resync is the period in which the API server is asked about each target, even if
	// its ports are up to date.
	Resync time.Duration
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

// newScheme returns a scheme with the types that the service reads and writes.
func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// NewManager returns a manager for [Add], with the cache and the clients that the
// service needs. It asks the API server nothing.
func NewManager(config *rest.Config, m manager.Options, o Options) (manager.Manager, error) {
	var err error
	if m.Scheme, err = newScheme(); err != nil {
		return nil, err
	}
	m.Cache = o.cache().ForManager()
	m.MapperProvider = cache.NewMapper
	// Kubernetes' own controllers do this as well: a server that compresses a
	// streamed list also compresses each change after it, which costs both sides more
	// than it saves.
	config = rest.CopyConfig(config)
	config.DisableCompression = true
	return manager.New(config, m)
}

// cache returns the options of the cache.
func (o Options) cache() cache.Options {
	return cache.Options{Namespace: o.Namespace, Selector: o.Selector, Services: o.Services, FieldManager: o.FieldManager}
}

// Service is a service that was added to a manager.
type Service struct{ reconciler *reconciler }

// Watching returns nil once all AdapterSets and workloads were listed.
func (s *Service) Watching() error {
	if !s.reconciler.cluster.Synced() {
		return errors.New("AdapterSets and workloads are not listed yet")
	}
	return nil
}

// Add adds the service to a manager that [NewManager] made with the same options. It
// asks the API server nothing. It fails if the field manager is not a valid name.
func Add(mgr manager.Manager, o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	r, err := newReconciler(mgr, o)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(mgr.Add(r.poller), mgr.Add(manager.RunnableFunc(r.resyncs))); err != nil {
		return nil, err
	}
	targets, err := controller.NewTyped("portside", mgr, controller.TypedOptions[workload.Target]{
		Reconciler:              r,
		MaxConcurrentReconciles: o.Concurrent,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[workload.Target](time.Second, 5*time.Minute),
		NewQueue:                r.newQueue,
		ReconciliationTimeout:   reconcileTimeout,
		// A replica that does not lead watches as well. When it begins to lead, it has
		// read all objects, and noticed those that were deleted meanwhile.
		EnableWarmup:       new(true),
		LogConstructor:     logOf(mgr.GetLogger()),
		SkipNameValidation: new(true),
	})
	if err != nil {
		return nil, err
	}
	for _, one := range r.watches.Sources() {
		if err := targets.Watch(one); err != nil {
			return nil, err
		}
	}
	return &Service{r}, nil
}

// logOf returns a function that returns the logger of a target.
func logOf(log logr.Logger) func(*workload.Target) logr.Logger {
	log = log.WithValues("controller", "portside")
	return func(t *workload.Target) logr.Logger {
		if t == nil {
			return log
		}
		return log.WithValues("target", t.String())
	}
}

// reconcileTimeout bounds the requests of a reconcile, so that a server that does not
// answer cannot block a worker forever.
const reconcileTimeout = time.Minute

func newReconciler(mgr manager.Manager, o Options) (*reconciler, error) {
	cluster, err := cache.NewCluster(context.Background(), mgr.GetCache(), o.cache())
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(mgr.GetConfig())
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	apps, err := appsclient.NewForConfigAndClient(config, mgr.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	// The policies that install prints refuse transfers. Without them the service
	// does the same.
	applier, err := apply.New(workload.ClientGo(apps), apply.WithFieldManager(o.FieldManager), apply.WithoutTransfers())
	if err != nil {
		return nil, err
	}
	r := &reconciler{
		manager:  o.FieldManager,
		excluded: o.ExcludeNamespaces,
		resync:   o.Resync,
		clock:    o.Clock,
		cluster:  cluster,
		watches:  cache.NewWatches(cluster),
		applier:  applier,
		client:   mgr.GetClient(),
		events:   mgr.GetEventRecorder("portside"),
		metrics:  metrics.New(),

		statusBackoff: flowcontrol.NewBackOffWithJitter(firstStatusRetry, lastStatusRetry, statusRetryJitter),
	}
	r.statusBackoff.Clock = o.Clock
	for _, c := range r.metrics.Collectors(cluster, o.Version) {
		if err := o.Registry.Register(c); err != nil {
			return nil, fmt.Errorf("cannot register a metric: %w", err)
		}
	}
	limit := rollout.NewLimit(o.MaxConcurrentRollouts, func(t workload.Target) string { return t.Namespace }, r.wake)
	r.gate = rollout.NewGate(limit, o.Clock)
	r.poller = discovery.NewPoller(discovery.Options{Clock: o.Clock, Changed: r.wake, Observe: r.metrics.Polled})
	r.sources = slices.Concat(o.Sources, sources.All(sources.Options{
		Cache: cluster, API: mgr.GetAPIReader(), Now: o.Clock.Now, AllowLoopback: o.AllowLoopback,
	}))
	return r, nil
}
