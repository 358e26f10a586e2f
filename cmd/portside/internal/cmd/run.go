package cmd

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/controller"
	"github.com/portside-dev/portside/cmd/portside/internal/logging"
)

// shutdownTimeout bounds a graceful stop. A pod has 30 seconds by default.
const shutdownTimeout = 25 * time.Second

type runCommand struct {
	*cli.Session
	service  controller.Options
	selector string

	leader         leaderFlags
	healthAddress  string
	metricsAddress string
	metricsSecure  bool
	metricsCertDir string
	pprofAddress   string
}

func newRun(s *cli.Session) *cobra.Command {
	r := &runCommand{Session: s}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the controller",
		Long: `Run the controller. It keeps the adapter-* ports of workloads in sync with the
AdapterSets of the cluster: the adapters that they declare, or those that the
running pods report.

A changed port restarts pods, so a change is applied once it has been the same
for the stabilization window, a port is removed once its adapter has been
inactive for the removal delay, no change is added to a rollout that is under
way, and a source that fails changes nothing. See spec.rollout of the
AdapterSet.

Several replicas may run: one of them leads, by a Lease that is named after
the field manager. While the API server cannot be reached, the process waits
and logs why. It exits with 0 when it is told to stop, and with 1 when it
cannot start (the credentials are refused, or the CustomResourceDefinition is
missing) or no longer leads.`,
		Example: `  # On your machine, against the current context
  portside run --metrics-bind-address=0

  # One namespace, and only the AdapterSets with a label
  portside run --watch-namespace storage --selector team=files`,
		Args:              cli.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	r.addFlags(cmd)
	return cmd
}

func (r *runCommand) run(cmd *cobra.Command) error {
	if err := r.check(cmd); err != nil {
		return err
	}
	r.service.Registry = metrics.Registry
	r.service.Version = cli.ReadVersion(r.Version).Version
	if !cmd.Flags().Changed("v") {
		r.Verbosity = 1 // a service without a log cannot be operated
		if err := r.SetUpLogging(cmd); err != nil {
			return err
		}
	}
	limitMemory()
	ctx := cmd.Context()
	log := logging.QuietAfter(ctx.Done(), logr.FromContextOrDiscard(ctx))
	// controller-runtime's own log matters less than ours.
	ctrl.SetLogger(log.V(1))
	config, err := r.serviceConfig()
	if err != nil {
		return err
	}
	var probes probes
	stopProbes, err := probes.serve(ctx, r.healthAddress)
	if err != nil {
		return err
	}
	defer stopProbes()
	log.Info("starting", "version", r.service.Version, "fieldManager", r.service.FieldManager)
	if err := cli.AwaitAPIServer(ctx, log, config); err != nil {
		if ctx.Err() != nil {
			log.Info("stopped")
			return nil
		}
		return err
	}
	mgr, err := r.manager(config, log)
	if err != nil {
		return err
	}
	service, err := controller.Add(mgr, r.service)
	if err != nil {
		return err
	}
	probes.service.Store(service)
	if r.leader.elect {
		log.Info("waiting to lead", "lease", r.leader.namespace+"/"+r.service.FieldManager)
	}
	if err := mgr.Start(ctx); err != nil {
		return cli.Failed(cli.Unusable, "the controller ended", err)
	}
	log.Info("stopped")
	return nil
}

// serviceConfig returns the connection of a service, and sets the namespace of its
// Lease.
func (r *runCommand) serviceConfig() (*rest.Config, error) {
	config, err := r.RESTConfig()
	if err != nil {
		return nil, err
	}
	config.Timeout = 0               // it would end every watch
	config.QPS, config.Burst = -1, 0 // the API server has priority and fairness
	if r.leader.namespace == "" {
		if r.leader.namespace, _, err = r.Namespace(); err != nil {
			return nil, err
		}
	}
	return config, nil
}

func (r *runCommand) manager(config *rest.Config, log logr.Logger) (ctrl.Manager, error) {
	grace := shutdownTimeout
	mgr, err := controller.NewManager(config, ctrl.Options{
		Logger:                        log.V(1),
		LeaderElection:                r.leader.elect,
		LeaderElectionID:              r.service.FieldManager,
		LeaderElectionNamespace:       r.leader.namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &r.leader.leaseDuration,
		RenewDeadline:                 &r.leader.renewDeadline,
		RetryPeriod:                   &r.leader.retryPeriod,
		HealthProbeBindAddress:        "0", // see probes
		PprofBindAddress:              r.pprofAddress,
		Metrics:                       r.metricsOptions(),
		GracefulShutdownTimeout:       &grace,
		// Watches that fail take the logger from it.
		BaseContext: func() context.Context { return logr.NewContext(context.Background(), log) },
	}, r.service)
	if err != nil {
		return nil, r.ConnectionError(err)
	}
	return mgr, mgr.Add(manager.RunnableFunc(func(context.Context) error {
		log.Info("leading")
		return nil
	}))
}

func (r *runCommand) metricsOptions() metricsserver.Options {
	o := metricsserver.Options{BindAddress: r.metricsAddress, SecureServing: r.metricsSecure, CertDir: r.metricsCertDir}
	if r.metricsSecure {
		o.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return o
}

// heapGrowth is by how many percent the heap may grow until the Go runtime collects its
// garbage. Most of the heap is the cache, which hardly changes, so little CPU time buys much
// memory.
const heapGrowth = 50

// limitMemory sets heapGrowth, unless the environment variable GOGC sets another one. If
// GOMEMLIMIT sets a limit, it lowers that by a tenth: the manifests set it to the limit of
// the container, which also counts memory that the runtime does not manage.
func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}
