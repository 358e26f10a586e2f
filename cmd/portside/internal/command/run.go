package command

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/portside-dev/portside/cmd/portside/internal/controller"
	"github.com/portside-dev/portside/fieldmanager"
)

const (
	defaultFullPass    = 10 * time.Hour
	defaultMaxRollouts = 10
	defaultConcurrent  = 10
	shutdownTimeout    = 25 * time.Second // a pod has 30 by default
)

type runCommand struct {
	*session
	service  controller.Options
	selector string

	leaderElect    bool
	leaseNamespace string
	healthAddress  string
	metricsAddress string
	metricsSecure  bool
	metricsCertDir string
	pprofAddress   string
}

func newRun(s *session) *cobra.Command {
	r := &runCommand{session: s}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Keep ports true for good, as AdapterSets in the cluster say",
		Long: `Keep the adapter-* ports of workloads true to their adapters for good, as the
AdapterSets of the cluster say: the adapters that they declare, or those that
the running pods answer.

A changed port restarts pods, so nothing changes without cause: a change goes
out once it has settled, the port of an inactive adapter goes after a delay,
nothing is added to a rollout that is under way, and a source that fails
changes nothing. See the fields below spec.rollout of the AdapterSet.

Several replicas may run: one of them leads, by a Lease that is named after
the field manager. The process ends with code 0 when it is told to stop, and
with 1 when it cannot start or no longer leads.`,
		Example: `  # On your machine, against the current context
  portside run --metrics-bind-address=0

  # One namespace, and only the AdapterSets with a label
  portside run --watch-namespace storage --selector team=files`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	flags := cmd.Flags()
	fieldManagerFlag(cmd, &r.service.FieldManager)
	flags.StringVar(&r.service.Namespace, "watch-namespace", "", "The only namespace to watch; all if empty")
	flags.StringVarP(&r.selector, "selector", "l", "", "Label selector of the AdapterSets to take care of, such as team=files")
	flags.IntVar(&r.service.MaxConcurrentRollouts, "max-concurrent-rollouts", defaultMaxRollouts, "How many workloads at once may be in a rollout that portside caused")
	flags.IntVar(&r.service.Concurrent, "concurrent", defaultConcurrent, "How many workloads to work on at once")
	flags.DurationVar(&r.service.FullPass, "full-pass", defaultFullPass, "How often the API server is asked of every workload, whatever is known; jittered")
	flags.BoolVar(&r.leaderElect, "leader-elect", true, "Have one of several replicas lead, by a Lease named after the field manager")
	flags.StringVar(&r.leaseNamespace, "leader-election-namespace", "", "Namespace of the Lease; the pod's own, or that of the context, if empty")
	flags.StringVar(&r.healthAddress, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz; 0 for none")
	flags.StringVar(&r.metricsAddress, "metrics-bind-address", ":8443", "Address of /metrics; 0 for none")
	flags.BoolVar(&r.metricsSecure, "metrics-secure", true, "Serve /metrics over TLS, to those whom the API server lets get the URL /metrics")
	flags.StringVar(&r.metricsCertDir, "metrics-cert-dir", "", "Folder with tls.crt and tls.key of /metrics; a certificate is made up if empty")
	flags.StringVar(&r.pprofAddress, "pprof-bind-address", "", "Address of /debug/pprof; none if empty")
	flags.BoolVar(&r.service.AllowLoopback, "allow-loopback-pods", false, "Ask pods at loopback addresses too, which no cluster has")
	_ = flags.MarkHidden("allow-loopback-pods") // for the demo, whose pods are servers on this machine
	return cmd
}

// check refuses flags that make no service.
func (r *runCommand) check(cmd *cobra.Command) error {
	if err := fieldmanager.ValidateName(r.service.FieldManager); err != nil {
		return usageError(cmd, "--field-manager: %w", err)
	}
	selector, err := labels.Parse(r.selector)
	if err != nil {
		return usageError(cmd, "--selector: %w", err)
	}
	if r.selector != "" {
		r.service.Selector = selector
	}
	switch {
	case r.service.MaxConcurrentRollouts < 1:
		return usageError(cmd, "--max-concurrent-rollouts %d is not at least 1", r.service.MaxConcurrentRollouts)
	case r.service.Concurrent < 1:
		return usageError(cmd, "--concurrent %d is not at least 1", r.service.Concurrent)
	case r.service.FullPass < time.Minute:
		return usageError(cmd, "--full-pass %s is not at least 1m", r.service.FullPass)
	}
	return nil
}

func (r *runCommand) run(cmd *cobra.Command) error {
	if err := r.check(cmd); err != nil {
		return err
	}
	if !cmd.Flags().Changed("v") {
		r.verbosity = 1 // a service that says nothing cannot be looked after
		if err := r.setUpLogging(cmd); err != nil {
			return err
		}
	}
	log := logr.FromContextOrDiscard(cmd.Context())
	ctrl.SetLogger(log)
	mgr, err := r.manager(log)
	if err != nil {
		return err
	}
	service, err := controller.Add(mgr, r.service)
	if err != nil {
		return err
	}
	if err := errors.Join(
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("watching", func(*http.Request) error { return service.Watching() }),
	); err != nil {
		return err
	}
	log.Info("starting", "version", readVersion(r.version).Version, "fieldManager", r.service.FieldManager)
	if err := mgr.Start(cmd.Context()); err != nil {
		return fmt.Errorf("the service ended: %w", err)
	}
	log.Info("stopped")
	return nil
}

func (r *runCommand) manager(log logr.Logger) (ctrl.Manager, error) {
	config, err := r.restConfig()
	if err != nil {
		return nil, err
	}
	config.Timeout = 0               // of a whole request, which would end every watch
	config.QPS, config.Burst = -1, 0 // the API server has priority and fairness
	namespace := r.leaseNamespace
	if namespace == "" {
		if namespace, _, err = r.namespace(); err != nil {
			return nil, err
		}
	}
	scheme, err := controller.NewScheme()
	if err != nil {
		return nil, err
	}
	r.service.Registry = metrics.Registry
	grace := shutdownTimeout
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Logger:                        log,
		LeaderElection:                r.leaderElect,
		LeaderElectionID:              r.service.FieldManager,
		LeaderElectionNamespace:       namespace,
		LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress:        r.healthAddress,
		PprofBindAddress:              r.pprofAddress,
		Metrics:                       r.metricsOptions(),
		GracefulShutdownTimeout:       &grace,
	})
	if err != nil {
		return nil, r.connectionError(err)
	}
	return mgr, nil
}

func (r *runCommand) metricsOptions() metricsserver.Options {
	o := metricsserver.Options{BindAddress: r.metricsAddress, SecureServing: r.metricsSecure, CertDir: r.metricsCertDir}
	if r.metricsSecure {
		o.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return o
}
