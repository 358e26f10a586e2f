package controller

import (
	"net/http"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/testenv"
)

// TestDiscoveryThatNeedsAction stalls the AdapterSet after three polls, also over
// a restart, and until the first answer.
func TestDiscoveryThatNeedsAction(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var found atomic.Bool
	p := &pods{}
	t.Cleanup(s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: func(pod *corev1.Pod) http.Handler {
		answer := p.handler(pod)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if found.Load() {
				answer.ServeHTTP(w, r)
				return
			}
			http.NotFound(w, r)
			p.polls.Add(1)
		})
	}}))
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	s.rolledOut(t)
	mustApply(t, s.git, discovered)
	s.polled(t, p, 2)
	s.expect(t, "Discovered", "False", "NotFound")
	s.expect(t, "Ready", "Unknown", "AwaitingAnswer")
	s.expect(t, "Reconciling", "True", "AwaitingAnswer")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.polled(t, p, 1)
	s.expect(t, "Stalled", "True", "NotFound")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expectEvents(t, "AdapterSet", "NotFound", "404")
	s.expectEvents(t, "StatefulSet", "NotFound", "404")

	s.restart(t)
	s.polled(t, p, 2)
	s.expect(t, "Stalled", "True", "NotFound")
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status"); n != 0 {
		t.Errorf("a restart cost %d writes of status", n)
	}
	found.Store(true)
	s.polled(t, p, 1)
	s.expect(t, "Stalled", "False", "AsExpected")
	s.expect(t, "Ready", "True", "InPlace")
}
