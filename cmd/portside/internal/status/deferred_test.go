package status_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// TestDeferred: while changes wait for the next rollout, status has what waits, since
// when, and what it costs. Since when stays the same.
func TestDeferred(t *testing.T) {
	t.Parallel()
	waits := func(restarts, surge int32) status.Facts {
		return facts(func(f *status.Facts) {
			f.Ports = append(f.Ports, smb)
			f.Deferred, f.Pending, f.Restarts, f.Surge = rollout.NextRollout, []string{"adapter-smb"}, restarts, surge
			f.Removals = []rollout.Removal{{Name: "adapter-nfs", Due: true, At: now}}
			f.Removals[0].Adapter.Type = "nfs"
		})
	}
	first := status.Of(set(1, status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(nil), now)), waits(3, 1), now)
	second := status.Of(set(1, first), waits(3, 1), now.Add(time.Hour))
	if !status.Same(first, second) {
		t.Errorf("an hour later it is %+v, not %+v", second, first)
	}
	if first.DesiredPorts != 2 || first.ReadyPorts != 1 {
		t.Errorf("%d of %d ports are in place", first.ReadyPorts, first.DesiredPorts)
	}
	for _, p := range first.Ports {
		if p.DeferredSince == nil || !p.DeferredSince.Time.Equal(now) {
			t.Errorf("%s has waited since %v", p.Name, p.DeferredSince)
		}
	}
	const want = "the change waits for the next rollout that another manager causes (spec.rollout.mode NextRollout); " +
		"by itself it would restart at most 3 pods, and with that rollout at most 1 more pods start (maxSurge); " +
		"it removes adapter-nfs (12049/TCP) since 2000-01-01T00:00:00Z, adds adapter-smb (1445/TCP) since 2000-01-01T00:00:00Z"
	if got := first.Conditions[0].Message; got != want {
		t.Errorf("Ready: %s", got)
	}
	for surge, want := range map[int32]string{0: "restart at most 3 pods, and with that rollout none; it", 3: "every pod starts twice (maxSurge), so that nothing is gained; it"} {
		if got := status.Of(set(1, first), waits(3, surge), now).Conditions[0].Message; !strings.Contains(got, want) {
			t.Errorf("with a surge of %d: %s", surge, got)
		}
	}
	if after := status.Of(set(1, first), facts(nil), now); after.Ports[0].DeferredSince != nil {
		t.Errorf("after the rollout: %+v", after.Ports[0])
	}
}
