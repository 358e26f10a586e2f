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

// asking is a service that asks the pods of the workload "files", on a clock
// that the test steps.
type asking struct {
	*testing.T
	cp      *testenv.ControlPlane
	ns      string
	clock   *testclock.FakeClock
	metrics *prometheus.Registry
	site    *site
	sent    *testenv.Requests
	live    *testenv.History
}

// ask begins with pods that have answered that nfs and smb are active, and with
// the ports of both.
func ask(t *testing.T, pods, timeoutSeconds int, https bool) *asking {
	t.Helper()
	cp := testenv.WithControllers(t)
	a := &asking{T: t, cp: cp, ns: cp.Namespace(t), clock: testclock.NewFakeClock(time.Now()), metrics: prometheus.NewRegistry()}
	a.site = newSite(t, a.clock)
	a.site.say(recorded(t, "both-running"))
	t.Cleanup(cp.ServePods(a.ns, a.site.pods(https)))
	a.live = cp.Record(t, "StatefulSet", a.ns, "files")
	a.sent = serve(t, cp, a.ns, func(o *Options) { o.Clock, o.Registry = a.clock, a.metrics })
	git := cp.Manager("git").In(a.ns)
	mustApply(t, git, fmt.Sprintf(credentials, base64.StdEncoding.EncodeToString(a.site.authorities())))
	mustApply(t, git, fmt.Sprintf(askedWorkload, pods))
	cp.WaitRolledOut(t, "StatefulSet", a.ns, "files")
	scheme := v1alpha1.SchemeHTTP
	if https {
		scheme = v1alpha1.SchemeHTTPS
	}
	mustApply(t, git, fmt.Sprintf(askingSet, scheme, serverName, pollInterval/time.Second, timeoutSeconds, removalDelay/time.Second))
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	cp.WaitRolledOut(t, "StatefulSet", a.ns, "files")
	a.polls(1) // of the pods that have the ports
	a.untilDiscovered("True", "Answered", "every ready pod answered")
	a.untilCondition("Reconciling", "False", "AsExpected", "nothing is about to change")
	return a
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
kind: StatefulSet
metadata: {name: files}
spec:
  replicas: %d
  serviceName: files
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: api, containerPort: 8080, protocol: TCP}]
`

const askingSet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: files}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: files}
  discovery:
    http:
      port: api
      scheme: %s
      serverName: %s
      intervalSeconds: %d
      timeoutSeconds: %d
      credentialsRef: {name: files-portside}
  rollout: {settleSeconds: 0, removalDelaySeconds: %d}
`

// until steps the clock from poll to poll until the condition holds. It does not
// while a poll is under way, for which no time is to pass.
func (a *asking) until(what string, condition func(ctx context.Context) error) {
	a.Helper()
	testenv.Eventually(a, what, func(ctx context.Context) error {
		err := condition(ctx)
		if err != nil && a.begun() == a.ended() {
			a.clock.Step(nextPoll)
		}
		return err
	})
}

// begun is how many polls have begun: the Secret is read once for each.
func (a *asking) begun() int { return a.sent.CountOf(testenv.VerbGet, "secrets") }

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
		live, err := a.cp.Manager("reader").Get(ctx, "StatefulSet", a.ns, "files")
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
	a.untilCondition("Discovered", status, reason, message)
}

func (a *asking) untilCondition(kind, status, reason, message string) {
	a.Helper()
	a.until(fmt.Sprintf("%s is %s, %s: %s", kind, status, reason, message), func(ctx context.Context) error {
		conditions, _, _ := unstructured.NestedSlice(a.adapterSet(ctx).Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == status && c["reason"] == reason && c["message"] == message {
				return nil
			}
		}
		return errors.New(fmt.Sprint(conditions))
	})
}

// adapterSet is it as it is, empty when it cannot be read.
func (a *asking) adapterSet(ctx context.Context) *unstructured.Unstructured {
	live, err := a.cp.Manager("reader").Get(ctx, "AdapterSet", a.ns, "files")
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
