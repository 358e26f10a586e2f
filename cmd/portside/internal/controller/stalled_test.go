package controller

import (
	"net/http"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestDiscoveryThatNeedsAction: the AdapterSet is Stalled after three polls, also after
// a restart, until the first answer.
func TestDiscoveryThatNeedsAction(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	server, _ := s.serveAdapters(t)
	server.Answer(dittofs.Status(http.StatusNotFound))
	s.git.MustApply(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(discovered))
	s.polled(t, 2, server)
	s.expect(t, "Discovered", "False", "NotFound")
	s.expect(t, "Ready", "Unknown", "AwaitingAnswer")
	s.expect(t, "Reconciling", "True", "AwaitingAnswer")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.polled(t, 1, server)
	s.expect(t, "Stalled", "True", "NotFound")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expectBothEvents(t, "NotFound", "404")

	s.restart(t)
	s.polled(t, 2, server)
	s.expect(t, "Stalled", "True", "NotFound")
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status"); n != 0 {
		t.Errorf("a restart cost %d writes of status", n)
	}
	server.Answer(dittofs.Adapters("nfs:12049", "smb:1445"))
	s.polled(t, 1, server)
	s.expect(t, "Stalled", "False", "AsExpected")
	s.expect(t, "Ready", "True", "InPlace")
}
