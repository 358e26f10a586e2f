package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// expectMessage waits for the message of adapter-nfs in status.
func (s *scene) expectMessage(t *testing.T, is func(message string) bool) {
	t.Helper()
	testenv.Eventually(t, "the message of the port", func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err != nil {
			return err
		}
		for _, p := range set.Status.Ports {
			if p.Name == "adapter-nfs" && is(p.Message) {
				return nil
			}
		}
		return fmt.Errorf("%+v", set.Status.Ports)
	})
}

// TestWarningIsReportedOnce: a warning is in status as long as its cause lasts, also
// while a change waits or is not allowed. It is an event when it is new.
func TestWarningIsReportedOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	const reason, text = "CannotRenumber", "git (Apply) applies adapter-nfs:12049/TCP too"
	warns := func(message string) bool { return strings.Contains(message, text) }
	s.git.MustApply(t, workloadWith("StatefulSet", "files", nfs, onDelete))
	s.expectMessage(t, warns)
	s.expect(t, "Ready", "True", "InPlace")
	s.expectBothEvents(t, reason, text)

	writes := s.sent.CountOf(testenv.VerbApply, "adaptersets/status")
	for i := range 5 {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/paused":"no %d"}}}`, i)
		s.git.MustPatch(t, "StatefulSet", s.ns, "files", types.MergePatchType, patch)
	}
	s.clock.Step(11 * time.Hour) // a resync is due
	s.catchUp(t)                 // writes the status of a new generation
	s.expectMessage(t, warns)
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - writes; n != 1 {
		t.Errorf("status was written %d times\n%s", n, &s.sent)
	}
	for _, c := range []struct {
		set              any
		kind, is, reason string
	}{
		{adapterSet(withNFSSMB, fixture.Rollout(60, 0)), "Reconciling", "True", "Stabilizing"},
		{adapterSet(withNFSSMB, suspended), "Reconciling", "False", "Suspended"},
	} {
		s.git.MustApply(t, c.set)
		s.expect(t, c.kind, c.is, c.reason)
		s.expectMessage(t, warns)
	}
	s.restart(t)
	s.catchUp(t)
	s.expectMessage(t, warns)

	// The way that the warning advises.
	s.git.MustApply(t, statefulSet(onDelete))
	s.expectMessage(t, func(message string) bool { return message == "" })
	s.git.MustApply(t, adapterSet(withNFSSMB))
	s.expectEvents(t, "AdapterSet", "PortAdded", "adapter-smb") // comes after all others
	events := s.eventsOf(t, reason)
	if len(events) != 2 {
		t.Errorf("%d events for one warning about two objects: %q", len(events), events)
	}
}
