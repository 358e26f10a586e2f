package rollout_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

var (
	notComplete = rollout.Poll{}
	disagreed   = rollout.Poll{Complete: true, Disagreed: []string{"nfs"}}
)

func declared(name string, number int32) port.Port {
	return port.Port{Name: name, Number: number, Protocol: corev1.ProtocolTCP}
}

// TestRemovalsPoll: the delay of a removal advances, and the port is removed,
// only while the latest poll is complete.
func TestRemovalsPoll(t *testing.T) {
	type step struct {
		after time.Duration
		poll  rollout.Poll
		want  int // desired ports
	}
	for name, steps := range map[string][]step{
		"the source fails and recovers": {
			{0, complete, 1}, {delay / 2, notComplete, 1}, {10 * delay, notComplete, 1},
			{11 * delay, complete, 1}, {11*delay + delay/2 - 1, complete, 1}, {11*delay + delay/2, complete, 0},
		},
		"it fails when the removal is due": {
			{0, complete, 1}, {delay, notComplete, 1}, {2 * delay, complete, 0},
		},
		"it fails after the removal was due": {
			{0, complete, 1}, {delay, complete, 0}, {delay + 1, notComplete, 1}, {3 * delay, complete, 0},
		},
		"it fails from the beginning": {
			{0, notComplete, 1}, {delay, notComplete, 1}, {delay + 1, complete, 1}, {2 * delay, complete, 1}, {2*delay + 1, complete, 0},
		},
		"it fails every other time": {
			{0, complete, 1}, {delay / 2, notComplete, 1}, {delay, complete, 1}, {delay + delay/4, notComplete, 1},
			{2 * delay, complete, 1}, {2*delay + delay/4 - 1, complete, 1}, {2*delay + delay/4, complete, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r rollout.Removals
			for _, s := range steps {
				want, removals, next := keep3(&r, rollout.Known{
					Now: start.Add(s.after), Poll: s.poll, Own: []port.Port{nfsPort}, Policy: afterDelay,
				})
				if len(want) != s.want {
					t.Errorf("after %s: %d ports are desired, not %d", s.after, len(want), s.want)
				}
				if stopped := !s.poll.Complete; stopped != (removals[0].InactiveSince() == nil) || stopped && !next.IsZero() {
					t.Errorf("after %s: inactive since %s, next at %s", s.after, removals[0].InactiveSince(), next)
				}
			}
		})
	}
}

// TestRemovalsPollWithoutDelay: also where a port is removed at once.
func TestRemovalsPollWithoutDelay(t *testing.T) {
	var r rollout.Removals
	k := rollout.Known{Now: start, Own: []port.Port{nfsPort}}
	if got := keep(&r, k); len(got) != 1 {
		t.Errorf("a poll that is not complete: %q", got)
	}
	k.Poll = complete
	if got := keep(&r, k); len(got) != 0 {
		t.Errorf("a complete poll: %q", got)
	}
}

// TestRemovalsStop: no delay advances before a source has answered this process, and no
// time in status counts: how long no poll was made is not known.
func TestRemovalsStop(t *testing.T) {
	stored := []v1alpha1.PortStatus{{Type: "nfs", Name: "adapter-nfs", InactiveSince: &metav1.Time{Time: start}}}
	k := rollout.Known{Status: stored, Poll: complete, Own: []port.Port{nfsPort}, Policy: afterDelay}
	var r rollout.Removals
	r.Stop(start.Add(time.Second))
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{10 * delay, 1}, {11*delay - 1, 1}, {11 * delay, 0}} {
		k.Now = start.Add(step.after)
		if want, _, _ := keep3(&r, k); len(want) != step.want {
			t.Errorf("after %s: %d ports are desired, not %d", step.after, len(want), step.want)
		}
	}
	// A source that is asked in another way has not answered yet, either.
	r, k.Now = rollout.Removals{}, start
	keep3(&r, k)
	r.Stop(start.Add(delay / 2))
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{10 * delay, 1}, {10*delay + delay/2 - 1, 1}, {10*delay + delay/2, 0}} {
		k.Now = start.Add(step.after)
		if want, _, _ := keep3(&r, k); len(want) != step.want {
			t.Errorf("asked in another way, after %s: %d ports are desired, not %d", step.after, len(want), step.want)
		}
	}
}

// TestRemovalsNeverHasten: whatever happens, a port is not removed before its
// adapter was inactive for the delay in the eyes of complete polls, rollouts not
// counted; and it is removed then.
func TestRemovalsNeverHasten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r rollout.Removals
		stored := []v1alpha1.PortStatus{{Type: "nfs", Name: "adapter-nfs", State: "Owned"}}
		now, counted, counts := start, time.Duration(0), false
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			passed := time.Duration(rapid.IntRange(0, int(delay/time.Second)).Draw(t, "seconds")) * time.Second
			now = now.Add(passed)
			if counts {
				counted += passed
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				r, counted = rollout.Removals{}, 0
				r.Stop(now)
			}
			k := rollout.Known{
				Now: now, Status: stored, Own: []port.Port{nfsPort}, Policy: afterDelay,
				Poll: rollout.Poll{Complete: rapid.Bool().Draw(t, "complete")}, UnderWay: rapid.IntRange(0, 3).Draw(t, "rollout") == 0,
			}
			counts = k.Poll.Complete && !k.UnderWay
			want, removals, _ := keep3(&r, k)
			if removed, due := len(want) == 0, counts && counted >= delay; removed != due {
				t.Fatalf("removed: %t, with %s counted, and counting: %t", removed, counted, counts)
			}
			stored[0].InactiveSince = removals[0].InactiveSince()
		}
	})
}

func TestAgreed(t *testing.T) {
	type adapters = []apply.Adapter
	nfs, moved, smb, ftp := active("nfs", 12049), active("nfs", 12050), active("smb", 445), active("ftp", 12049)
	smbThere := active("smb", 12049)
	bad, unnormalized := active("nfs", 70000), nfs
	unnormalized.Protocol = ""
	own := []port.Port{declared("api", 8080), declared("adapter-nfs", 12049)}
	both := append(slices.Clone(own), declared("adapter-smb", 445))
	for name, c := range map[string]struct {
		poll   rollout.Poll
		active adapters
		own    []port.Port
		want   adapters
	}{
		"complete": {complete, adapters{moved, smb}, own, adapters{moved, smb}},
		"complete: a number moves to another adapter":      {complete, adapters{ftp}, own, adapters{ftp}},
		"not complete: no number changes":                  {notComplete, adapters{smb, moved}, own, adapters{nfs, smb}},
		"not complete: what is new is added":               {notComplete, adapters{nfs, smb}, own, adapters{nfs, smb}},
		"not complete: added where nothing is":             {notComplete, adapters{moved}, nil, adapters{moved}},
		"not complete: the number, written in another way": {notComplete, adapters{smb, unnormalized}, own, adapters{smb, unnormalized}},
		"not complete: no number moves to another adapter": {notComplete, adapters{ftp, smb}, own, adapters{smb}},
		"not complete: nor with its adapter moving":        {notComplete, adapters{ftp, moved}, own, adapters{nfs, ftp}},
		"not complete: no exchange":                        {notComplete, adapters{moved, smbThere}, both, adapters{nfs, smb}},
		"not complete: an invalid one is reported":         {notComplete, adapters{bad, ftp}, own, adapters{bad}},
		"not complete: a static port is not ours":          {notComplete, adapters{active("web", 8080)}, own, adapters{active("web", 8080)}},
		"not complete: two types of one name":              {notComplete, adapters{active("NFS", 1), nfs}, own, adapters{active("NFS", 12049), nfs}},
		"disagreed: no number changes":                     {disagreed, adapters{moved, smb}, own, adapters{nfs, smb}},
		"disagreed: but of its type alone":                 {disagreed, adapters{nfs, active("smb", 1445)}, both, adapters{nfs, active("smb", 1445)}},
		"disagreed: its number does not pass on":           {disagreed, adapters{moved, smbThere}, both, adapters{nfs, smbThere}},
		"disagreed: a number without an adapter moves":     {disagreed, adapters{smbThere}, own, adapters{smbThere}},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(c.active)
			if got := c.poll.Agreed(c.active, c.own); !slices.Equal(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if !slices.Equal(c.active, before) {
				t.Error("the list was changed")
			}
		})
	}
}

// TestAgreedProperties: a poll that is not complete changes no port that is
// declared, whatever it reports, and a complete one that agrees is applied.
func TestAgreedProperties(t *testing.T) {
	names := rapid.SampledFrom([]string{"nfs", "smb", "ftp", "web"})
	numbers := rapid.Int64Range(1, 5)
	adapter := rapid.Custom(func(t *rapid.T) apply.Adapter { return active(names.Draw(t, "type"), numbers.Draw(t, "number")) })
	typeOf := func(a apply.Adapter) string { return a.Type }
	rapid.Check(t, func(t *rapid.T) {
		actives := rapid.SliceOfNDistinct(adapter, 0, 4, typeOf).Draw(t, "active")
		var own []port.Port
		for _, a := range rapid.SliceOfNDistinct(adapter, 0, 4, typeOf).Draw(t, "own") {
			if !slices.ContainsFunc(own, func(p port.Port) bool { return int64(p.Number) == a.Port }) {
				own = append(own, declared(apply.PortName(a.Type), int32(a.Port)))
			}
		}
		if got := complete.Agreed(actives, own); !slices.Equal(got, actives) {
			t.Fatalf("a complete poll: %+v", got)
		}
		got := notComplete.Agreed(actives, own)
		want, _, _ := keep3(new(rollout.Removals), rollout.Known{Now: start, Active: got, Own: own})
		for _, p := range own {
			// The first of a name and of a number gets it.
			byName := slices.IndexFunc(want, func(a apply.Adapter) bool { return apply.PortName(a.Type) == p.Name })
			byNumber := slices.IndexFunc(want, func(a apply.Adapter) bool { return a.Port == int64(p.Number) })
			if byName < 0 || byName != byNumber {
				t.Fatalf("%s:%d does not stay as it is with %+v: desired are %+v", p.Name, p.Number, actives, want)
			}
		}
		for _, a := range actives {
			free := !slices.ContainsFunc(own, func(p port.Port) bool {
				return p.Name == apply.PortName(a.Type) || int64(p.Number) == a.Port
			})
			if free && !slices.Contains(got, a) {
				t.Fatalf("%+v is not added: %+v", a, got)
			}
		}
	})
}
