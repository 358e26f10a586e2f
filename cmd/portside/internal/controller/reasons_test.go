package controller

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestDiscoveredReasons causes, one after the other, the reasons that no other test of
// the service causes.
func TestDiscoveredReasons(t *testing.T) {
	t.Parallel()
	a := ask(t, 2, 20, false)
	answering := func(answers ...http.HandlerFunc) func() { return func() { a.server.Answer(alternating(answers...)) } }
	patching := func(body string) func() { return func() { a.patch(a, "AdapterSet", body) } }
	secret := func(body string) func() {
		return func() {
			a.git.MustPatch(t, "Secret", a.ns, "files-portside", types.MergePatchType, []byte(body))
		}
	}
	recovered := func() {}
	for _, c := range []struct {
		reason     string
		begin, end func()
	}{
		{"Forbidden", answering(dittofs.Status(403)), recovered},
		{"UnexpectedStatus", answering(dittofs.Status(418)), recovered},
		{"NotAnswered", answering(dittofs.Status(500), dittofs.Status(404)), recovered},
		{"TooManyAdapters", answering(adapters(1000, 40), adapters(2000, 40)), recovered},
		{"Unreachable", patching(`{"spec":{"discovery":{"http":{"port":1}}}}`), patching(`{"spec":{"discovery":{"http":{"port":"api"}}}}`)},
		{"EndpointInvalid", patching(`{"spec":{"discovery":{"http":{"port":"none"}}}}`), patching(`{"spec":{"discovery":{"http":{"port":"api"}}}}`)},
		{
			"CredentialsNotLabelled",
			secret(`{"metadata":{"labels":{"portside.dev/credentials":null}}}`), secret(`{"metadata":{"labels":{"portside.dev/credentials":"true"}}}`),
		},
		{"CredentialsInvalid", secret(`{"data":{"access-token":"w6k="}}`), secret(`{"data":{"access-token":null}}`)},
	} {
		c.begin()
		a.until("Discovered is False, "+c.reason, a.condition("Discovered", "False", c.reason))
		c.end()
		a.server.Recover(dittofs.Recorded("both-running"))
		a.until("Discovered is True after "+c.reason, a.condition("Discovered", "True", "Answered"))
	}
	a.expectTemplates("in all", 1)
}

// alternating answers requests in turn, so that of two pods each answers
// differently at each poll.
func alternating(answers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) { answers[int(n.Add(1))%len(answers)](w, r) }
}

// adapters answers n active adapters with the numbers from first.
func adapters(first, n int) http.HandlerFunc {
	var list []string
	for i := first; i < first+n; i++ {
		list = append(list, fmt.Sprintf("t%d:%[1]d", i))
	}
	return dittofs.Adapters(list...)
}

// TestDiscoveredReasonsOfDeployment causes the reasons of a failing API server, where no
// pod can be asked, and of a rollout that keeps the old pods ready.
func TestDiscoveredReasonsOfDeployment(t *testing.T) {
	t.Parallel()
	a := stoppedAsking(t, false)
	a.kind = "Deployment"
	failing := func(resource string) *outage {
		o := &outage{code: http.StatusInternalServerError, of: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/"+resource+"/") }}
		o.on.Store(true)
		return o
	}
	secrets, replicaSets := failing("secrets"), failing("replicasets")
	a.startAs(secrets.wrap(replicaSets.wrap(a.cp.Config())))
	a.discover(a.kind, "files", "HTTP", 1, 20)
	until := func(is, reason string) {
		t.Helper()
		check := a.condition("Discovered", is, reason)
		testenv.Eventually(t, "Discovered is "+is+", "+reason, func(ctx context.Context) error {
			err := check(ctx)
			if err != nil {
				a.clock.Step(nextPoll)
			}
			return err
		})
	}
	until("False", "CredentialsUnreadable")
	secrets.on.Store(false)
	until("False", "PodsUnknown")
	replicaSets.on.Store(false)
	a.untilPorts(nfsSMB...)
	a.waitRolledOut(t)
	until("True", "Answered")

	release := a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return p.Annotations["changed"] != "" })
	a.patch(t, a.kind, `{"spec":{"template":{"metadata":{"annotations":{"changed":"true"}}}}}`)
	until("False", "RolloutUnderWay")
	release()
	until("True", "Answered")
}
