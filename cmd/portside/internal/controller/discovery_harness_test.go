package controller

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	testclock "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

// Of each AdapterSet with discovery here. A poll comes at most a tenth of the
// interval late.
const (
	pollInterval = 30 * time.Second
	nextPoll     = pollInterval + pollInterval/10 + time.Second
	removalDelay = 60 * time.Second
)

// asking is a service that asks the pods of a namespace, on a clock that the
// test steps.
type asking struct {
	*testing.T
	cp      *testenv.ControlPlane
	ns      string
	kind    string // of the workload files
	clock   *testclock.FakeClock
	metrics *prometheus.Registry
	site    *site
	stop    func() // the service
	sent    *testenv.Requests
	live    *testenv.History

	uncounted int // polls that had ended when counting began
	underWay  int // polls under way, since that time
	since     time.Time
}

// newAsking runs the service, with pods that answer that nfs and smb are active,
// and nothing to keep yet.
func newAsking(t *testing.T, https bool) *asking {
	t.Helper()
	a := notAskingYet(t, https)
	a.start()
	return a
}

func (a *asking) start() {
	a.Helper()
	s := start(a.T, a.cp, a.ns, a.inject)
	a.sent, a.stop = &s.sent, s.stop
}

// restart ends the service and begins another, which knows nothing of it, at the
// same time.
func (a *asking) restart() {
	a.Helper()
	a.stop()
	a.clock, a.metrics, a.uncounted = testclock.NewFakeClock(a.clock.Now()), prometheus.NewRegistry(), 0
	a.site.have(func(s *site) { s.clock = a.clock })
	a.start()
}

// notAskingYet is newAsking without the service, which is to be given the clock
// and the metrics by inject.
func notAskingYet(t *testing.T, https bool) *asking {
	t.Helper()
	cp := testenv.WithControllers(t)
	a := &asking{T: t, cp: cp, ns: cp.Namespace(t), kind: "StatefulSet", clock: testclock.NewFakeClock(time.Now()), metrics: prometheus.NewRegistry()}
	a.site = newSite(t, a.clock)
	a.site.say(recorded(t, "both-running"))
	t.Cleanup(cp.ServePods(a.ns, a.site.pods(https)))
	a.applySecret()
	return a
}

func (a *asking) applySecret() {
	a.Helper()
	mustApply(a.T, a.cp.Manager("git").In(a.ns), fmt.Sprintf(credentials, base64.StdEncoding.EncodeToString(a.site.authorities())))
}

func (a *asking) inject(o *Options) { o.Clock, o.Registry = a.clock, a.metrics }

// ask is newAsking with the ports of both in place.
func ask(t *testing.T, pods, timeoutSeconds int, https bool) *asking {
	t.Helper()
	a := newAsking(t, https)
	a.live = a.cp.Record(t, "StatefulSet", a.ns, "files")
	scheme := v1alpha1.SchemeHTTP
	if https {
		scheme = v1alpha1.SchemeHTTPS
	}
	a.keep("StatefulSet", "files", scheme, pods, timeoutSeconds)
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	a.cp.WaitRolledOut(t, "StatefulSet", a.ns, "files")
	a.polls(1) // of the pods that have the ports
	a.untilDiscovered("True", "Answered", "every ready pod answered")
	a.untilCondition("files", "Reconciling", "False", "AsExpected", "no changes pending")
	return a
}

// keep makes a workload and the AdapterSet of that name.
func (a *asking) keep(kind, name string, scheme v1alpha1.Scheme, pods, timeoutSeconds int) {
	a.Helper()
	replicas := fmt.Sprintf("replicas: %d", pods)
	if kind == "DaemonSet" {
		replicas = ""
	}
	mustApply(a.T, a.cp.Manager("git").In(a.ns), fmt.Sprintf(askedWorkload, kind, name, replicas))
	a.cp.WaitRolledOut(a, kind, a.ns, name)
	a.keepSet(kind, name, scheme, timeoutSeconds)
}

// keepSet makes the AdapterSet of a workload.
func (a *asking) keepSet(kind, name string, scheme v1alpha1.Scheme, timeoutSeconds int) {
	a.Helper()
	mustApply(a.T, a.cp.Manager("git").In(a.ns),
		fmt.Sprintf(askingSet, kind, name, scheme, serverName, pollInterval/time.Second, timeoutSeconds, removalDelay/time.Second))
}

const credentials = `
apiVersion: v1
kind: Secret
metadata: {name: files-portside, labels: {portside.dev/credentials: "true"}}
stringData: {username: user, password: pass}
data: {ca.crt: %s}
`

const askedWorkload = `
apiVersion: apps/v1
kind: %s
metadata: {name: %s}
spec:
  %s
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: api, containerPort: 8080, protocol: TCP}]
`

const askingSet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %[2]s}
spec:
  targetRef: {apiVersion: apps/v1, kind: %[1]s, name: %[2]s}
  discovery:
    http:
      port: api
      scheme: %[3]s
      serverName: %[4]s
      intervalSeconds: %[5]d
      timeoutSeconds: %[6]d
      credentialsRef: {name: files-portside}
      loginPath: /api/v1/auth/login
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: %[7]d}
`

// until steps the clock from poll to poll until the condition holds. It does not
// while a poll is under way, for which no time is to pass.
func (a *asking) until(what string, condition func(ctx context.Context) error) {
	a.Helper()
	testenv.Eventually(a, what, func(ctx context.Context) error {
		err := condition(ctx)
		if err != nil && a.idle() {
			a.clock.Step(nextPoll)
		}
		return err
	})
}

// lostAfter is after what time a poll under way counts as canceled. The service does
// not count a poll that a change of the AdapterSet canceled.
const lostAfter = 5 * time.Second

// idle reports whether no poll is under way.
func (a *asking) idle() bool {
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

// begun is how many polls have begun: the Secret is read once for each.
func (a *asking) begun() int { return a.uncounted + a.sent.CountOf(testenv.VerbGet, "secrets") }

// countAnew waits until no poll is under way, and has requests counted from now
// on.
func (a *asking) countAnew() {
	a.Helper()
	testenv.Eventually(a, "no poll is under way", func(context.Context) error {
		if begun, ended := a.begun(), a.ended(); begun != ended {
			return fmt.Errorf("%d have begun, %d ended", begun, ended)
		}
		return nil
	})
	a.sent.Reset()
	a.uncounted = a.ended()
}

// ended is how many polls have ended, by the service's metrics.
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
	a.until(fmt.Sprintf("ports %q", want), func(ctx context.Context) error {
		live, err := a.cp.Manager("reader").Get(ctx, a.kind, a.ns, "files")
		if err != nil {
			return err
		}
		if got := testenv.Ports(live, "server"); !slices.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	})
}

func (a *asking) untilDiscovered(status, reason, message string) {
	a.Helper()
	a.untilCondition("files", "Discovered", status, reason, message)
}

func (a *asking) untilCondition(name, kind, status, reason, message string) {
	a.Helper()
	a.until(fmt.Sprintf("%s of %s is %s, %s: %s", kind, name, status, reason, message), func(ctx context.Context) error {
		conditions, _, _ := unstructured.NestedSlice(a.adapterSet(ctx, name).Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == status && c["reason"] == reason && c["message"] == message {
				return nil
			}
		}
		return errors.New(fmt.Sprint(conditions))
	})
}

// adapterSet is it as it is, empty when it cannot be read.
func (a *asking) adapterSet(ctx context.Context, name string) *unstructured.Unstructured {
	live, err := a.cp.Manager("reader").Get(ctx, "AdapterSet", a.ns, name)
	if err != nil {
		return &unstructured.Unstructured{}
	}
	return live
}

// polls lets n polls come and end.
func (a *asking) polls(n int) {
	a.Helper()
	want := a.ended() + n
	a.until(fmt.Sprintf("%d polls more", n), func(context.Context) error {
		if got := a.ended(); got < want {
			return fmt.Errorf("%d are missing", want-got)
		}
		return nil
	})
}

// templates is how many times the pod template was changed.
func (a *asking) templates() int {
	a.Helper()
	return testenv.TemplateChanges(a.live.Stored(a))
}
