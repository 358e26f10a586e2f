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
)

// TestReasonsOfDiscovered has the reasons that no other test of the service has, one
// after the other.
func TestReasonsOfDiscovered(t *testing.T) {
	t.Parallel()
	a := ask(t, 2, 20, false)
	answering := func(answers ...http.HandlerFunc) func() { return func() { a.site.say(alternating(answers...)) } }
	patching := func(body string) func() { return func() { a.patchSet(body) } }
	secret := func(body string) func() {
		return func() {
			if _, err := a.cp.Manager("person").Patch(t.Context(), "Secret", a.ns, "files-portside", types.MergePatchType, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	recovered := func() {}
	for _, c := range []struct {
		reason     string
		begin, end func()
	}{
		{"Forbidden", answering(fails(403)), recovered},
		{"UnexpectedStatus", answering(fails(418)), recovered},
		{"NotAnswered", answering(fails(500), fails(404)), recovered},
		{"TooManyAdapters", answering(says(adapters(1000, 40)), says(adapters(2000, 40))), recovered},
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
		a.site.recover(recorded(t, "both-running"))
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

// adapters returns the list of n active adapters with the numbers from first.
func adapters(first, n int) string {
	var items []string
	for i := first; i < first+n; i++ {
		items = append(items, fmt.Sprintf(`{"type":"t%d","port":%[1]d,"enabled":true,"running":true}`, i))
	}
	return "[" + strings.Join(items, ",") + "]"
}

// TestReasonsOfDiscoveredDeployment has the reasons of an API server that fails, so
// that no pod can be asked, and of a rollout that keeps the old pods ready.
func TestReasonsOfDiscoveredDeployment(t *testing.T) {
	t.Parallel()
	a := notAskingYet(t, false)
	a.kind = "Deployment"
	failing := func(resource string) *outage {
		o := &outage{code: http.StatusInternalServerError, of: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/"+resource+"/") }}
		o.on.Store(true)
		return o
	}
	secrets, replicaSets := failing("secrets"), failing("replicasets")
	s := startAs(t, a.cp, secrets.wrap(replicaSets.wrap(a.cp.Config())), a.ns, a.inject)
	a.sent, a.stop = &s.sent, s.stop
	a.keep(a.kind, "files", "HTTP", 1, 20)
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
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	a.cp.WaitRolledOut(t, a.kind, a.ns, "files")
	until("True", "Answered")

	release := a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return p.Annotations["changed"] != "" })
	a.patch(`{"spec":{"template":{"metadata":{"annotations":{"changed":"true"}}}}}`)
	until("False", "RolloutUnderWay")
	release()
	until("True", "Answered")
}
