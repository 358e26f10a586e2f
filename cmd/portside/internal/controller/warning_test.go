package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// expectMessage waits for what is told of adapter-nfs.
func (s *scene) expectMessage(t *testing.T, tells func(message string) bool) {
	t.Helper()
	testenv.Eventually(t, "what is told of the port", func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err != nil {
			return err
		}
		for _, p := range set.Status.Ports {
			if p.Name == "adapter-nfs" && tells(p.Message) {
				return nil
			}
		}
		return fmt.Errorf("%+v", set.Status.Ports)
	})
}

// TestAWarningIsToldOnce: it is in status as long as there is cause for it, also
// while a change waits or none may be made, and an event when it is new.
func TestAWarningIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	const reason, text = "CannotRenumber", "git (Apply) applies adapter-nfs:12049/TCP too"
	warns := func(message string) bool { return strings.Contains(message, text) }
	ports := "ports: [{name: api, containerPort: 8080, protocol: TCP}"
	mustApply(t, s.git, strings.Replace(strategy(1, "{type: OnDelete}"), ports, ports+", {name: adapter-nfs, containerPort: 12049, protocol: TCP}", 1))
	s.expectMessage(t, warns)
	s.expect(t, "Ready", "True", "InPlace")
	s.expectEvents(t, "AdapterSet", reason, text)
	s.expectEvents(t, "StatefulSet", reason, text)

	writes := s.sent.CountOf(testenv.VerbApply, "adaptersets/status")
	for i := range 5 {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/paused":"no %d"}}}`, i)
		if _, err := s.git.Patch(t.Context(), "StatefulSet", s.ns, "files", types.MergePatchType, patch); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Step(11 * time.Hour) // a full pass is due
	s.caughtUp(t)                // tells of a generation
	s.expectMessage(t, warns)
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - writes; n != 1 {
		t.Errorf("status was written %d times\n%s", n, &s.sent)
	}
	for _, c := range []struct{ set, kind, is, reason string }{
		{strings.Replace(adapterSet(withNFSSMB, ""), "stabilizationWindowSeconds: 0", "stabilizationWindowSeconds: 60", 1), "Reconciling", "True", "Stabilizing"},
		{adapterSet(withNFSSMB, "suspend: true"), "Reconciling", "False", "Suspended"},
	} {
		mustApply(t, s.git, c.set)
		s.expect(t, c.kind, c.is, c.reason)
		s.expectMessage(t, warns)
	}
	s.restart(t)
	s.caughtUp(t)
	s.expectMessage(t, warns)

	// The way out.
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	s.expectMessage(t, func(message string) bool { return message == "" })
	mustApply(t, s.git, adapterSet(withNFSSMB, ""))
	s.expectEvents(t, "AdapterSet", "PortAdded", "adapter-smb") // comes after all others
	events, err := s.events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events = slices.DeleteFunc(events, func(line string) bool { return !strings.Contains(line, " "+reason+": ") })
	if len(events) != 2 {
		t.Errorf("%d events for one warning of two objects: %q", len(events), events)
	}
}
