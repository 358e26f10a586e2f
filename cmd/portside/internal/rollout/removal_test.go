package rollout_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const delay = 5 * time.Minute

// afterDelay is the policy with this delay.
var afterDelay = rollout.PolicyOf(v1alpha1.Rollout{RemovalDelaySeconds: new(int32(delay / time.Second))})

// complete is a poll that all of a steady workload's pods answered.
var complete = rollout.Poll{Complete: true}

var nfsPort = port.Port{Name: "adapter-nfs", Number: 2049, Protocol: corev1.ProtocolTCP}

func active(typ string, number int64) apply.Adapter {
	return apply.Adapter{Type: typ, Port: number, Protocol: "TCP"}
}

// keep3 returns the adapters that are desired, the active ones first, the removals, and
// when the next is due.
func keep3(r *rollout.Removals, k rollout.Known) (desired []apply.Adapter, removals []rollout.Removal, next time.Time) {
	desired = slices.Clone(k.Active)
	removals, next = r.Keep(k)
	for _, removal := range removals {
		if !removal.Due {
			desired = append(desired, removal.Adapter)
		}
	}
	return desired, removals, next
}

// keep returns the names of the ports that are desired.
func keep(r *rollout.Removals, k rollout.Known) []string {
	want, _, _ := keep3(r, k)
	names := []string{}
	for _, a := range want {
		names = append(names, apply.PortName(a.Type))
	}
	return names
}

func TestRemovalsDelay(t *testing.T) {
	var r rollout.Removals
	k := rollout.Known{Poll: complete, Now: start, Own: []port.Port{nfsPort}, Policy: afterDelay}
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{0, []string{"adapter-nfs"}},
		{delay - 1, []string{"adapter-nfs"}},
		{delay, []string{}},
	} {
		k.Now = start.Add(step.after)
		if got := keep(&r, k); !slices.Equal(got, step.want) {
			t.Errorf("after %s: %q, not %q", step.after, got, step.want)
		}
	}
}

// TestRemovalsWithoutDelay: a port that is removed and one that is added are one change.
// The time in status, which is in whole seconds, must not delay the removal.
func TestRemovalsWithoutDelay(t *testing.T) {
	k := rollout.Known{
		Poll: complete, Now: start.Add(time.Millisecond), Active: []apply.Adapter{active("smb", 445)},
		Own: []port.Port{nfsPort},
	}
	if got := keep(new(rollout.Removals), k); !slices.Equal(got, []string{"adapter-smb"}) {
		t.Errorf("%q", got)
	}
	var r rollout.Removals
	k.UnderWay = true
	if got := keep(&r, k); len(got) != 2 {
		t.Errorf("while a rollout is under way: %q", got)
	}
	k.UnderWay = false
	if got := keep(&r, k); !slices.Equal(got, []string{"adapter-smb"}) {
		t.Errorf("after the rollout: %q", got)
	}
}

func TestRemovalsDuringRollout(t *testing.T) {
	var r rollout.Removals
	k := rollout.Known{Poll: complete, Own: []port.Port{nfsPort}, Policy: afterDelay}
	for _, step := range []struct {
		after    time.Duration
		underWay bool
		want     int
	}{
		{0, false, 1},
		{delay / 2, true, 1},
		{delay / 2 * 9, true, 1}, // far beyond the delay
		{delay / 2 * 10, false, 1},
		{delay/2*11 - 1, false, 1},
		{delay / 2 * 11, false, 0},
	} {
		k.Now, k.UnderWay = start.Add(step.after), step.underWay
		want, _, _ := keep3(&r, k)
		if len(want) != step.want {
			t.Errorf("after %s: %d ports are kept, not %d", step.after, len(want), step.want)
		}
	}
}

func TestRemovalsContinueFromStatus(t *testing.T) {
	stored := []v1alpha1.PortStatus{{Type: "NFS!", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Poll: complete, Now: start.Add(delay - time.Second), Status: stored, Own: []port.Port{nfsPort}, Policy: afterDelay}
	want, waiting, next := keep3(new(rollout.Removals), k)
	if len(want) != 1 || want[0].Type != "NFS!" || !waiting[0].Since.Equal(start) || !next.Equal(start.Add(delay)) {
		t.Errorf("kept %+v, waiting %+v until %s", want, waiting, next)
	}
	k.Now = start.Add(delay)
	if want, waiting, next := keep3(new(rollout.Removals), k); len(want) != 0 || !waiting[0].Due || !waiting[0].Since.Equal(start) || !next.IsZero() {
		t.Errorf("after the delay %+v is kept, waiting %+v until %s", want, waiting, next)
	}
}

// TestRemovalsRestartDuringRollout: when the rollout began is not known, so no time of
// before counts.
func TestRemovalsRestartDuringRollout(t *testing.T) {
	stored := []v1alpha1.PortStatus{{Type: "nfs", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Poll: complete, Now: start.Add(10 * delay), Status: stored, Own: []port.Port{nfsPort}, Policy: afterDelay, UnderWay: true}
	var r rollout.Removals
	for _, step := range []struct {
		after    time.Duration
		underWay bool
		want     int
	}{{0, true, 1}, {1, false, 1}, {delay, false, 1}, {1 + delay + time.Second, false, 0}} {
		k.Now, k.UnderWay = start.Add(10*delay+step.after), step.underWay
		if want, _, _ := keep3(&r, k); len(want) != step.want {
			t.Errorf("%s after the restart: %d ports are kept, not %d", step.after, len(want), step.want)
		}
	}
}

// TestRemovalsContinueOnce: the adapter may have been active again since status was stored.
func TestRemovalsContinueOnce(t *testing.T) {
	stored := []v1alpha1.PortStatus{{Type: "nfs", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Poll: complete, Now: start, Status: stored, Own: []port.Port{nfsPort}, Policy: afterDelay}
	var r rollout.Removals
	k.Active = []apply.Adapter{active("nfs", 2049)}
	keep3(&r, k)
	k.Active, k.Now = nil, start.Add(delay)
	if want, waiting, _ := keep3(&r, k); len(want) != 1 || !waiting[0].Since.Equal(k.Now) {
		t.Errorf("kept %+v, waiting %+v", want, waiting)
	}
}

func TestRemovalInactiveSince(t *testing.T) {
	k := rollout.Known{Poll: complete, Now: start.Add(time.Millisecond), Own: []port.Port{nfsPort}, Policy: afterDelay}
	_, waiting, _ := keep3(new(rollout.Removals), k)
	if since := waiting[0].InactiveSince(); since.Time.Before(k.Now) {
		t.Errorf("status has %s, before %s", since, k.Now)
	}
}

func TestRemovalsOfTakenPorts(t *testing.T) {
	for name, now := range map[string]apply.Adapter{
		"renumbered": active("nfs", 12049),
		"renamed":    active("smb", 2049),
	} {
		k := rollout.Known{Poll: complete, Now: start, Active: []apply.Adapter{now}, Own: []port.Port{nfsPort}, Policy: afterDelay}
		if want, _, _ := keep3(new(rollout.Removals), k); len(want) != 1 || want[0] != now {
			t.Errorf("%s: %+v is desired", name, want)
		}
	}
}

// TestRemovalsOfRenamedPorts: a renamed port is that manager's, without a delay.
func TestRemovalsOfRenamedPorts(t *testing.T) {
	for name, p := range map[string]port.Port{
		"renamed":        {Name: "web", Number: 2049, Protocol: corev1.ProtocolTCP},
		"without a name": {Number: 2049, Protocol: corev1.ProtocolTCP},
	} {
		k := rollout.Known{Poll: complete, Now: start, Own: []port.Port{p, {Name: "adapter-smb", Number: 445, Protocol: corev1.ProtocolTCP}}, Policy: afterDelay}
		want, waiting, next := keep3(new(rollout.Removals), k)
		if len(want) != 1 || want[0].Type != "smb" || len(waiting) != 1 || !next.Equal(start.Add(delay)) {
			t.Errorf("%s: %+v is desired, waiting %+v until %s", name, want, waiting, next)
		}
	}
}
