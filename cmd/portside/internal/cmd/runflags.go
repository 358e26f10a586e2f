package cmd

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/leaderelection"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/fieldmanager"
)

const (
	defaultFullPass    = 10 * time.Hour
	defaultMaxRollouts = 10
	defaultConcurrent  = 10

	// The times of leader election are those of Kubernetes' own components.
	defaultLeaseDuration = 15 * time.Second
	defaultRenewDeadline = 10 * time.Second
	defaultRetryPeriod   = 2 * time.Second
)

// leaderFlags are those of leader election. They are named as those of
// kube-controller-manager, but for the namespace.
type leaderFlags struct {
	elect         bool
	namespace     string
	leaseDuration time.Duration
	renewDeadline time.Duration
	retryPeriod   time.Duration
}

func (l *leaderFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&l.elect, "leader-elect", true, "Have one of several replicas lead, by a Lease named after the field manager")
	flags.DurationVar(&l.leaseDuration, "leader-elect-lease-duration", defaultLeaseDuration, "How long non-leaders wait before they try to take over the lease")
	flags.DurationVar(&l.renewDeadline, "leader-elect-renew-deadline", defaultRenewDeadline, "How long a leader tries to renew before it ends; below the lease duration")
	flags.DurationVar(&l.retryPeriod, "leader-elect-retry-period", defaultRetryPeriod, "How long to wait between tries to lead, and to renew")
	flags.StringVar(&l.namespace, "leader-election-namespace", "", "Namespace of the Lease; the pod's own, or that of the context, if empty")
}

// check refuses what client-go and the API server would refuse as well, but only once
// the process has started, or without a message.
func (l *leaderFlags) check(cmd *cobra.Command, lease string) error {
	if !l.elect {
		return nil
	}
	if wrong := validation.IsDNS1123Subdomain(lease); len(wrong) > 0 {
		return cli.UsageError(cmd, "--field-manager %q cannot be the name of the Lease (--leader-elect): %s", lease, strings.Join(wrong, "; "))
	}
	switch {
	case l.leaseDuration < time.Second || l.leaseDuration%time.Second != 0:
		return cli.UsageError(cmd, "--leader-elect-lease-duration %s is not a whole number of seconds, at least 1s", l.leaseDuration)
	case l.leaseDuration <= l.renewDeadline:
		return cli.UsageError(cmd, "--leader-elect-renew-deadline %s is not below --leader-elect-lease-duration %s", l.renewDeadline, l.leaseDuration)
	case l.retryPeriod <= 0 || l.renewDeadline <= time.Duration(leaderelection.JitterFactor*float64(l.retryPeriod)):
		return cli.UsageError(cmd, "--leader-elect-retry-period %s is not above 0 and below --leader-elect-renew-deadline %s by a factor of %v",
			l.retryPeriod, l.renewDeadline, leaderelection.JitterFactor)
	}
	return nil
}

func (r *runCommand) addFlags(cmd *cobra.Command) {
	cli.FieldManagerFlag(cmd, &r.service.FieldManager)
	r.leader.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&r.service.Namespace, "watch-namespace", "", "The only namespace to watch; all if empty")
	flags.StringSliceVar(&r.service.ExcludeNamespaces, "exclude-namespace", nil, "Namespace whose workloads are not written to; may be repeated. The guard policy should exclude the same ones")
	flags.BoolVar(&r.service.Services, "services", false, "Manage the ports of Services too (spec.services), for which portside must be allowed to watch and patch Services")
	flags.StringVarP(&r.selector, "selector", "l", "", "Label selector of the AdapterSets to reconcile, such as team=files")
	flags.IntVar(&r.service.MaxConcurrentRollouts, "max-concurrent-rollouts", defaultMaxRollouts, "How many workloads at once may be in a rollout that portside caused; while several namespaces wait, each gets a share")
	flags.IntVar(&r.service.Concurrent, "concurrent", defaultConcurrent, "How many workloads are reconciled at once")
	flags.DurationVar(&r.service.Resync, "full-pass", defaultFullPass, "Full resync interval, with jitter")
	flags.StringVar(&r.healthAddress, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz; 0 for none")
	flags.StringVar(&r.metricsAddress, "metrics-bind-address", ":8443", "Address of /metrics; 0 for none")
	flags.BoolVar(&r.metricsSecure, "metrics-secure", true, "Serve /metrics over TLS; clients need the permission to get the URL /metrics")
	flags.StringVar(&r.metricsCertDir, "metrics-cert-dir", "", "Folder with tls.crt and tls.key of /metrics; if empty, a self-signed certificate is generated")
	flags.StringVar(&r.pprofAddress, "pprof-bind-address", "", "Address of /debug/pprof; none if empty")
	flags.BoolVar(&r.service.AllowLoopback, "allow-loopback-pods", false, "Ask pods at loopback addresses as well, which no cluster has")
	_ = flags.MarkHidden("allow-loopback-pods") // for the demo, whose pods are servers on this machine
}

// check refuses invalid flags.
func (r *runCommand) check(cmd *cobra.Command) error {
	if err := fieldmanager.ValidateName(r.service.FieldManager); err != nil {
		return cli.UsageError(cmd, "--field-manager: %w", err)
	}
	selector, err := labels.Parse(r.selector)
	if err != nil {
		return cli.UsageError(cmd, "--selector: %w", err)
	}
	if r.selector != "" {
		r.service.Selector = selector
	}
	if wrong := validation.IsDNS1123Label(r.service.Namespace); r.service.Namespace != "" && len(wrong) > 0 {
		return cli.UsageError(cmd, "--watch-namespace %q: %s", r.service.Namespace, strings.Join(wrong, "; "))
	}
	if r.service.Namespace != "" && slices.Contains(r.service.ExcludeNamespaces, r.service.Namespace) {
		return cli.UsageError(cmd, "--watch-namespace %q is excluded by --exclude-namespace", r.service.Namespace)
	}
	switch {
	case r.service.MaxConcurrentRollouts < 1:
		return cli.UsageError(cmd, "--max-concurrent-rollouts %d is not at least 1", r.service.MaxConcurrentRollouts)
	case r.service.Concurrent < 1:
		return cli.UsageError(cmd, "--concurrent %d is not at least 1", r.service.Concurrent)
	case r.service.Resync < time.Minute:
		return cli.UsageError(cmd, "--full-pass %s is not at least 1m", r.service.Resync)
	}
	return r.leader.check(cmd, r.service.FieldManager)
}
