package rollout_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const delay = 5 * time.Minute

// complete is a poll that all of a steady workload's pods answered.
var complete = rollout.Poll{Complete: true}

var nfsPort = corev1.ContainerPort{Name: "adapter-nfs", ContainerPort: 2049, Protocol: corev1.ProtocolTCP}

func active(typ string, number int64) apply.Adapter {
	return apply.Adapter{Type: typ, Port: number, Protocol: "TCP"}
}

func keep(r *rollout.Removals, k rollout.Known) []string {
	want, _, _ := r.Keep(k)
	names := []string{}
	for _, a := range want {
		names = append(names, apply.PortName(a.Type))
	}
	return names
}

func TestAPortGoesAfterItsDelay(t *testing.T) {
	var r rollout.Removals
	k := rollout.Known{Poll: complete, Now: start, Own: []corev1.ContainerPort{nfsPort}, Delay: delay}
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

// Where there is no delay, what goes and what comes is one change: the time in
// status, which has whole seconds, must not hold up the one.
func TestWithoutADelayAPortGoesAtOnce(t *testing.T) {
	k := rollout.Known{
		Poll: complete, Now: start.Add(time.Millisecond), Active: []apply.Adapter{active("smb", 445)},
		Own: []corev1.ContainerPort{nfsPort},
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

func TestARolloutDoesNotCount(t *testing.T) {
	var r rollout.Removals
	k := rollout.Known{Poll: complete, Own: []corev1.ContainerPort{nfsPort}, Delay: delay}
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
		want, _, _ := r.Keep(k)
		if len(want) != step.want {
			t.Errorf("after %s: %d ports are kept, not %d", step.after, len(want), step.want)
		}
	}
}

func TestStatusOutlivesTheProcess(t *testing.T) {
	told := []v1alpha1.PortStatus{{Type: "NFS!", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Poll: complete, Now: start.Add(delay - time.Second), Told: told, Own: []corev1.ContainerPort{nfsPort}, Delay: delay}
	want, waiting, next := new(rollout.Removals).Keep(k)
	if len(want) != 1 || want[0].Type != "NFS!" || !waiting[0].Since.Equal(start) || !next.Equal(start.Add(delay)) {
		t.Errorf("kept %+v, waiting %+v until %s", want, waiting, next)
	}
	k.Now = start.Add(delay)
	if want, waiting, next := new(rollout.Removals).Keep(k); len(want) != 0 || !waiting[0].Due || !waiting[0].Since.Equal(start) || !next.IsZero() {
		t.Errorf("after the delay %+v is kept, waiting %+v until %s", want, waiting, next)
	}
}

// TestARestartInARolloutCountsNothing: when the rollout began cannot be told.
func TestARestartInARolloutCountsNothing(t *testing.T) {
	told := []v1alpha1.PortStatus{{Type: "nfs", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Poll: complete, Now: start.Add(10 * delay), Told: told, Own: []corev1.ContainerPort{nfsPort}, Delay: delay, UnderWay: true}
	var r rollout.Removals
	for _, step := range []struct {
		after    time.Duration
		underWay bool
		want     int
	}{{0, true, 1}, {1, false, 1}, {delay, false, 1}, {1 + delay + time.Second, false, 0}} {
		k.Now, k.UnderWay = start.Add(10*delay+step.after), step.underWay
		if want, _, _ := r.Keep(k); len(want) != step.want {
			t.Errorf("%s after the restart: %d ports are kept, not %d", step.after, len(want), step.want)
		}
	}
}

// TestStatusIsTakenUpOnce: it may not have been told since that the adapter was
// active again.
func TestStatusIsTakenUpOnce(t *testing.T) {
	told := []v1alpha1.PortStatus{{Type: "nfs", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Poll: complete, Now: start, Told: told, Own: []corev1.ContainerPort{nfsPort}, Delay: delay}
	var r rollout.Removals
	k.Active = []apply.Adapter{active("nfs", 2049)}
	r.Keep(k)
	k.Active, k.Now = nil, start.Add(delay)
	if want, waiting, _ := r.Keep(k); len(want) != 1 || !waiting[0].Since.Equal(k.Now) {
		t.Errorf("kept %+v, waiting %+v", want, waiting)
	}
}

func TestTheCountIsNeverShortened(t *testing.T) {
	k := rollout.Known{Poll: complete, Now: start.Add(time.Millisecond), Own: []corev1.ContainerPort{nfsPort}, Delay: delay}
	_, waiting, _ := new(rollout.Removals).Keep(k)
	if since := waiting[0].InactiveSince(); since.Time.Before(k.Now) {
		t.Errorf("status has %s, before %s", since, k.Now)
	}
}

func TestANumberOrANamePassesOnAtOnce(t *testing.T) {
	for name, now := range map[string]apply.Adapter{
		"renumbered": active("nfs", 12049),
		"renamed":    active("smb", 2049),
	} {
		k := rollout.Known{Poll: complete, Now: start, Active: []apply.Adapter{now}, Own: []corev1.ContainerPort{nfsPort}, Delay: delay}
		if want, _, _ := new(rollout.Removals).Keep(k); len(want) != 1 || want[0] != now {
			t.Errorf("%s: %+v is wanted", name, want)
		}
	}
}

// TestARenamedPortIsNotKept: it is handed to who renamed it, and that waits for
// no delay.
func TestARenamedPortIsNotKept(t *testing.T) {
	for name, port := range map[string]corev1.ContainerPort{
		"renamed":        {Name: "web", ContainerPort: 2049, Protocol: corev1.ProtocolTCP},
		"without a name": {ContainerPort: 2049, Protocol: corev1.ProtocolTCP},
	} {
		k := rollout.Known{Poll: complete, Now: start, Own: []corev1.ContainerPort{port, {Name: "adapter-smb", ContainerPort: 445, Protocol: corev1.ProtocolTCP}}, Delay: delay}
		want, waiting, next := new(rollout.Removals).Keep(k)
		if len(want) != 1 || want[0].Type != "smb" || len(waiting) != 1 || !next.Equal(start.Add(delay)) {
			t.Errorf("%s: %+v is wanted, waiting %+v until %s", name, want, waiting, next)
		}
	}
}

func TestHold(t *testing.T) {
	const settle = 10 * time.Second
	underWay := workload.Rollout{UnderWay: true}
	for name, c := range map[string]struct {
		after   time.Duration
		rollout workload.Rollout
		awaited bool
		failed  bool
		want    rollout.Reason
	}{
		"too soon":               {after: settle - 1, want: rollout.Unsettled},
		"settled":                {after: settle, want: rollout.Go},
		"refused before":         {after: settle, failed: true, want: rollout.BackingOff},
		"a rollout is under way": {after: settle, rollout: underWay, want: rollout.RolloutUnderWay},
		"it waits for the port":  {after: settle, rollout: underWay, awaited: true, want: rollout.Go},
		"it does not get on":     {after: rollout.StuckAfter, rollout: underWay, want: rollout.RolloutStuck},
		"its controller gave up": {after: settle, rollout: workload.Rollout{UnderWay: true, Failed: true}, want: rollout.RolloutStuck},
	} {
		t.Run(name, func(t *testing.T) {
			var target rollout.Target
			change := rollout.Change{Now: start, ID: "nfs", Settle: settle, Rollout: c.rollout, Awaited: c.awaited}
			target.Rollout.Saw(start, c.rollout)
			target.Hold(change)
			change.Now = start.Add(c.after)
			if c.failed {
				target.Retry.Failed(change.Now, change.ID)
			}
			if got, _ := target.Hold(change); got != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
}

func TestAFightIsFiveReaddsThenOneAnHour(t *testing.T) {
	var f rollout.Fight
	var readds []time.Duration
	for at := time.Duration(0); at < 3*time.Hour; at += time.Second { // taken away every second
		if _, may := f.Readd(start.Add(at)); may {
			f.Readded(start.Add(at))
			readds = append(readds, at)
		}
	}
	want := []time.Duration{0, 1e9, 2e9, 3e9, 4e9, 4e9 + time.Hour, 4e9 + 2*time.Hour}
	if !slices.Equal(readds, want) {
		t.Errorf("added again after %s, not %s", readds, want)
	}
	if f.Stayed(start.Add(3 * time.Hour)); !f.Under() {
		t.Error("over before the ports stayed for an hour")
	}
	if !f.Stayed(f.Due()) || f.Under() {
		t.Error("not over after the ports stayed for an hour")
	}
}
