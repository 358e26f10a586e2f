package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
)

// Every AdapterSet with discovery here has these. A poll comes at most a tenth of
// the interval late.
const (
	pollInterval = 30 * time.Second
	nextPoll     = pollInterval + pollInterval/10 + time.Second
	removalDelay = 60 * time.Second
	tokenLife    = 15 * time.Minute
	serverName   = "files.storage.svc"
)

// asking is a scene whose service asks the pods.
type asking struct {
	*testing.T
	*scene
	metrics *prometheus.Registry
	server  *dittofs.Server // in the pods
	history *testenv.History

	uncounted int // polls that had ended when counting began
	underWay  int // polls under way, since that time
	since     time.Time
}

// newAsking returns a scene whose service runs and whose pods answer that nfs and
// smb are active. There is no AdapterSet yet.
func newAsking(t *testing.T, https bool) *asking {
	t.Helper()
	a := stoppedAsking(t, https)
	a.startAs(a.cp.Config())
	return a
}

// stoppedAsking is newAsking without the service.
func stoppedAsking(t *testing.T, https bool) *asking {
	t.Helper()
	a := &asking{T: t, scene: stoppedScene(t), metrics: prometheus.NewRegistry()}
	options := dittofs.Options{Username: "user", Password: "pass", Now: func() time.Time { return a.clock.Now() }}
	if https {
		options.ServerName = serverName
	}
	a.server = newServer(t, options)
	a.server.Behave(func(b *dittofs.Behavior) { b.TokenLife = tokenLife })
	a.server.Answer(dittofs.Recorded("both-running"))
	t.Cleanup(a.cp.ServePods(a.ns, a.server.PodServer()))
	a.applySecret()
	return a
}

func newServer(t *testing.T, o dittofs.Options) *dittofs.Server {
	t.Helper()
	server, err := dittofs.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// startAs starts the service as a user.
func (a *asking) startAs(user *rest.Config, change ...func(*Options)) {
	a.Helper()
	a.scene.startAs(a.T, user, append(change, a.countPolls)...)
}

// countPolls has the metrics of the service counted.
func (a *asking) countPolls(o *Options) { o.Registry = a.metrics }

// restart stops the service and starts another at the same time, which knows
// nothing of the first one.
func (a *asking) restart() {
	a.Helper()
	a.stop()
	a.clock, a.metrics, a.uncounted = newClock(a.clock.Now()), prometheus.NewRegistry(), 0
	a.startAs(a.cp.Config())
}

func (a *asking) applySecret() { a.Helper(); a.git.MustApply(a, a.server.Secret("files-portside")) }

// ask is newAsking with the ports of both adapters in place.
func ask(t *testing.T, pods, timeoutSeconds int, https bool) *asking {
	t.Helper()
	a := newAsking(t, https)
	a.history = a.record(t)
	scheme := v1alpha1.SchemeHTTP
	if https {
		scheme = v1alpha1.SchemeHTTPS
	}
	a.discover("StatefulSet", "files", scheme, pods, timeoutSeconds)
	a.untilPorts(nfsSMB...)
	a.waitRolledOut(t)
	a.polls(1) // of the pods that have the ports
	a.untilDiscovered("True", "Answered", "every ready pod answered")
	a.untilCondition("files", "Reconciling", "False", "AsExpected", "no changes pending")
	return a
}

// discover creates a workload and its AdapterSet.
func (a *asking) discover(kind, name string, scheme v1alpha1.Scheme, pods, timeoutSeconds int) {
	a.Helper()
	var replicas []fixture.Option
	if kind != "DaemonSet" {
		replicas = append(replicas, fixture.Spec(fmt.Sprintf("replicas: %d", pods)))
	}
	a.git.MustApply(a, workloadOf(kind, name, replicas...))
	a.cp.WaitRolledOut(a, kind, a.ns, name)
	a.git.MustApply(a, askingSet(kind, name, scheme, timeoutSeconds))
}

// askingSet returns the AdapterSet of a workload that asks its pods.
func askingSet(kind, name string, scheme v1alpha1.Scheme, timeoutSeconds int, options ...fixture.Option) any {
	return adapterSetOf(kind, name, append([]fixture.Option{
		fixture.Discovery(fmt.Sprintf("port: api, scheme: %s, serverName: %s, intervalSeconds: %d, timeoutSeconds: %d, credentialsRef: {name: files-portside}, loginPath: /api/v1/auth/login",
			scheme, serverName, pollInterval/time.Second, timeoutSeconds)),
		fixture.Rollout(0, int(removalDelay/time.Second)),
	}, options...)...)
}

// until steps the clock from poll to poll until the condition holds. The clock
// stands still while a poll is under way.
func (a *asking) until(what string, condition func(ctx context.Context) error) {
	a.Helper()
	testenv.Eventually(a, what, func(ctx context.Context) error {
		err := condition(ctx)
		if err != nil && a.noPoll() {
			a.clock.Step(nextPoll)
		}
		return err
	})
}

// lostAfter is how long a poll may be under way before it counts as canceled. The
// service does not count a poll that a change of the AdapterSet canceled.
const lostAfter = 5 * time.Second

// noPoll reports whether no poll is under way.
func (a *asking) noPoll() bool {
	underWay := a.begun() - a.ended()
	if underWay != a.underWay {
		a.underWay, a.since = underWay, time.Now()
	}
	if underWay != 0 && time.Since(a.since) > lostAfter {
		a.uncounted -= underWay
		return true
	}
	return underWay == 0
}

// begun returns how many polls have begun: the Secret is read once for each.
func (a *asking) begun() int { return a.uncounted + a.sent.CountOf(testenv.VerbGet, "secrets") }

// resetRequests waits until no poll is under way, and counts requests from then on.
func (a *asking) resetRequests() {
	a.Helper()
	testenv.Eventually(a, "no poll to be under way", func(context.Context) error {
		if begun, ended := a.begun(), a.ended(); begun != ended {
			return fmt.Errorf("%d have begun, %d ended", begun, ended)
		}
		return nil
	})
	a.sent.Reset()
	a.uncounted = a.ended()
}

// ended returns how many polls have ended, by the service's metrics.
func (a *asking) ended() (polls int) {
	families, err := a.metrics.Gather()
	if err != nil {
		a.Error(err)
	}
	for _, f := range families {
		if f.GetName() != "portside_discovery_polls_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			polls += int(m.GetCounter().GetValue())
		}
	}
	return polls
}

func (a *asking) untilPorts(want ...string) {
	a.Helper()
	a.until(fmt.Sprintf("ports %q", want), a.portsAre(want))
}

func (a *asking) untilDiscovered(status, reason, message string) {
	a.Helper()
	a.untilCondition("files", "Discovered", status, reason, message)
}

func (a *asking) untilCondition(name, kind, status, reason, message string) {
	a.Helper()
	a.until(fmt.Sprintf("%s of %s is %s, %s: %s", kind, name, status, reason, message), func(ctx context.Context) error {
		set, err := a.get(ctx, name)
		if err != nil {
			return err
		}
		if !conditionIs(set, kind, status, reason) || meta.FindStatusCondition(set.Status.Conditions, kind).Message != message {
			return fmt.Errorf("%+v", set.Status.Conditions)
		}
		return nil
	})
}

// condition returns a check of a condition of the AdapterSet files.
func (a *asking) condition(kind, status, reason string) func(context.Context) error {
	return func(ctx context.Context) error {
		set, err := a.get(ctx, "files")
		if err == nil && !conditionIs(set, kind, status, reason) {
			err = fmt.Errorf("%+v", set.Status.Conditions)
		}
		return err
	}
}

// version returns the resourceVersion of an AdapterSet.
func (a *asking) version(name string) string {
	a.Helper()
	set, err := a.get(a.Context(), name)
	if err != nil {
		a.Fatal(err)
	}
	return set.ResourceVersion
}

// polls waits until n more polls have ended.
func (a *asking) polls(n int) {
	a.Helper()
	want := a.ended() + n
	a.until(fmt.Sprintf("%d more polls", n), func(context.Context) error {
		if got := a.ended(); got < want {
			return fmt.Errorf("%d are missing", want-got)
		}
		return nil
	})
}

// untilAsked waits until the pods were asked some more times.
func (a *asking) untilAsked(times int) {
	a.Helper()
	before := a.server.Count(dittofs.AdaptersPath)
	a.until(fmt.Sprintf("the pods to be asked %d times", times), func(context.Context) error {
		if now := a.server.Count(dittofs.AdaptersPath); now < before+times {
			return fmt.Errorf("%d times", now-before)
		}
		return nil
	})
}

// expectTemplates fails the test unless the pod template was changed this often.
func (a *asking) expectTemplates(when string, want int) {
	a.Helper()
	if n := testenv.TemplateChanges(a.history.Stored(a)); n != want {
		a.Errorf("%s: the pod template was changed %d times, not %d", when, n, want)
	}
}

// inactiveSince returns when the removal delay of adapter-nfs began according to
// status, nil while it does not advance.
func (a *asking) inactiveSince(ctx context.Context) (*time.Time, error) {
	set, err := a.get(ctx, "files")
	if err != nil {
		return nil, err
	}
	for _, p := range set.Status.Ports {
		if p.Name == "adapter-nfs" && p.InactiveSince != nil {
			return &p.InactiveSince.Time, nil
		}
	}
	return nil, nil //nolint:nilnil // it does not advance
}

// untilCounting waits until the removal delay of adapter-nfs advances.
func (a *asking) untilCounting() {
	a.Helper()
	a.until("the removal delay to begin", func(ctx context.Context) error {
		since, err := a.inactiveSince(ctx)
		if err == nil && since == nil {
			err = errors.New("it has not")
		}
		return err
	})
}

// expectStopped waits until the removal delay of adapter-nfs does not advance. The
// clock stands still.
func (a *asking) expectStopped() {
	a.Helper()
	testenv.Eventually(a, "the removal delay to stop", func(ctx context.Context) error {
		since, err := a.inactiveSince(ctx)
		if since != nil {
			return fmt.Errorf("it advances since %s", since)
		}
		return err
	})
}
