package status_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

var now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const uid = types.UID("one")

func portOf(name string, number int64, state port.State, message string) apply.PortStatus {
	p := apply.PortStatus{Type: strings.TrimPrefix(name, "adapter-"), Name: name, Port: number, Protocol: "TCP", State: state, Message: message}
	if state == port.Owned {
		p.Owners = []fieldmanager.Manager{fieldmanager.Applier("portside")}
	}
	return p
}

var (
	nfs     = portOf("adapter-nfs", 12049, port.Owned, "")
	smb     = portOf("adapter-smb", 1445, port.Owned, "")
	blocked = portOf("adapter-smb", 1445, port.Blocked, "the name is held by git on 445/TCP")
	invalid = portOf("adapter-ftp", 0, port.Invalid, "0 is no port")
)

// facts are those of a target in which all is well, but for what is changed.
func facts(change func(*status.Facts)) status.Facts {
	f := status.Facts{FieldManager: "portside", UID: uid, Container: "server", Ports: []apply.PortStatus{nfs}}
	if change != nil {
		change(&f)
	}
	return f
}

func set(generation int64, s v1alpha1.AdapterSetStatus) *v1alpha1.AdapterSet {
	return &v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: "files", Generation: generation}, Status: s,
		Spec: v1alpha1.AdapterSetSpec{Rollout: v1alpha1.Rollout{StabilizationWindowSeconds: new(int32(10)), RemovalDelaySeconds: new(int32(300))}},
	}
}

// textsOf returns the conditions as TYPE=STATUS REASON.
func textsOf(s v1alpha1.AdapterSetStatus) []string {
	lines := make([]string, 0, len(s.Conditions))
	for _, c := range s.Conditions {
		lines = append(lines, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
	}
	return lines
}

const (
	inPlace    = "Ready=True InPlace"
	settled    = "Reconciling=False AsExpected"
	notStalled = "Stalled=False AsExpected"
)

func TestConditions(t *testing.T) {
	t.Parallel()
	pending := func(hold rollout.Reason) func(*status.Facts) {
		return func(f *status.Facts) { f.Deferred, f.Pending = hold, []string{"adapter-nfs"} }
	}
	why := func(reason status.ConditionReason) func(*status.Facts) {
		return func(f *status.Facts) { f.Why, f.Because = reason, "because" }
	}
	for name, c := range map[string]struct {
		change func(*status.Facts)
		want   []string
	}{
		"all is in place":        {nil, []string{inPlace, settled, notStalled}},
		"the workload is not":    {why(status.TargetNotFound), []string{"Ready=False TargetNotFound", "Reconciling=True TargetNotFound", notStalled}},
		"an excluded namespace":  {why(status.NamespaceExcluded), []string{"Ready=False NamespaceExcluded", settled, "Stalled=True NamespaceExcluded"}},
		"it is another's":        {why(status.TargetTaken), []string{"Ready=False TargetTaken", settled, "Stalled=True TargetTaken"}},
		"no such container":      {why(status.ContainerNotFound), []string{"Ready=False ContainerNotFound", settled, "Stalled=True ContainerNotFound"}},
		"not dedicated":          {why(status.FieldManagerNotDedicated), []string{"Ready=False FieldManagerNotDedicated", settled, "Stalled=True FieldManagerNotDedicated"}},
		"no answer yet":          {why(status.AwaitingAnswer), []string{"Ready=Unknown AwaitingAnswer", "Reconciling=True AwaitingAnswer", notStalled}},
		"the ports go first":     {why(status.Removing), []string{"Ready=False Removing", "Reconciling=True Removing", notStalled}},
		"suspended":              {func(f *status.Facts) { f.Stopped = status.Suspended }, []string{"Ready=True Suspended", "Reconciling=False Suspended", notStalled}},
		"paused":                 {func(f *status.Facts) { f.Stopped = status.Paused }, []string{"Ready=True Paused", "Reconciling=False Paused", notStalled}},
		"refused":                {func(f *status.Facts) { f.Failure, f.Refusal = "denied", true }, []string{"Ready=False Refused", settled, "Stalled=True Refused"}},
		"the server is away":     {func(f *status.Facts) { f.Failure = "away" }, []string{"Ready=False Unavailable", "Reconciling=True Unavailable", notStalled}},
		"contention":             {func(f *status.Facts) { f.Contended = true }, []string{"Ready=False Contended", settled, "Stalled=True Contended"}},
		"a port is blocked":      {func(f *status.Facts) { f.Ports = append(f.Ports, blocked) }, []string{"Ready=False Conflicting", settled, "Stalled=True Conflicting"}},
		"an adapter is invalid":  {func(f *status.Facts) { f.Ports = append(f.Ports, invalid) }, []string{"Ready=False InvalidAdapter", settled, "Stalled=True InvalidAdapter"}},
		"it settles":             {pending(rollout.Stabilizing), []string{"Ready=False Stabilizing", "Reconciling=True Stabilizing", notStalled}},
		"a rollout is under way": {pending(rollout.UnderWay), []string{"Ready=False RolloutUnderWay", "Reconciling=True RolloutUnderWay", notStalled}},
		"it does not get on":     {pending(rollout.Stuck), []string{"Ready=False RolloutStuck", settled, "Stalled=True RolloutStuck"}},
		"too many rollouts":      {pending(rollout.LimitReached), []string{"Ready=False RolloutLimit", "Reconciling=True RolloutLimit", notStalled}},
		"the next rollout":       {pending(rollout.NextRollout), []string{"Ready=True Deferred", "Reconciling=False Deferred", notStalled}},
		"our rollout":            {func(f *status.Facts) { f.RollingOut = true }, []string{inPlace, "Reconciling=True RollingOut", notStalled}},
		"our rollout is stuck":   {func(f *status.Facts) { f.RollingOut, f.Stuck = true, true }, []string{inPlace, settled, "Stalled=True RolloutStuck"}},
		"another's is stuck":     {func(f *status.Facts) { f.Stuck = true }, []string{inPlace, settled, notStalled}},
		"our rollout, and more to come": {func(f *status.Facts) { f.RollingOut = true; pending(rollout.UnderWay)(f) },
			[]string{"Ready=False RolloutUnderWay", "Reconciling=True RollingOut", notStalled}},
		"a removal waits": {func(f *status.Facts) { f.Removals = []rollout.Removal{{Name: "adapter-nfs"}} },
			[]string{inPlace, "Reconciling=True RemovalWaiting", notStalled}},
		"shadowed is in place": {func(f *status.Facts) { f.Ports = []apply.PortStatus{portOf("adapter-nfs", 2049, port.Shadowed, "x")} },
			[]string{inPlace, settled, notStalled}},
		"pods answered": {func(f *status.Facts) { f.Discovery = &discovery.Condition{Met: true, Reason: "Answered"} },
			[]string{inPlace, settled, notStalled, "Discovered=True Answered"}},
		"pods did not": {func(f *status.Facts) { f.Discovery = &discovery.Condition{Reason: "NotAnswered"} },
			[]string{inPlace, settled, notStalled, "Discovered=False NotAnswered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := status.Of(set(3, v1alpha1.AdapterSetStatus{}), facts(c.change), now)
			if got := textsOf(s); !slices.Equal(got, c.want) {
				t.Errorf("%q\nnot %q", got, c.want)
			}
			if s.ObservedGeneration != 3 || slices.ContainsFunc(s.Conditions, func(c metav1.Condition) bool { return c.ObservedGeneration != 3 }) {
				t.Errorf("not all is of generation 3: %+v", s)
			}
		})
	}
}

func TestContender(t *testing.T) {
	t.Parallel()
	for contender, want := range map[rollout.Contender]string{
		{Manager: "operator", Certain: true}: "operator keeps removing",
		{Manager: "operator"}:                "another manager (most likely operator) keeps removing",
		{}:                                   "another manager keeps removing",
	} {
		s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(func(f *status.Facts) { f.Contended, f.Contender = true, contender }), now)
		if message := s.Conditions[0].Message; !strings.HasPrefix(message, want) {
			t.Errorf("%q", message)
		}
	}
}

func TestTimesOfTransitionStay(t *testing.T) {
	t.Parallel()
	first := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(nil), now)
	again := status.Of(set(1, first), facts(nil), now.Add(time.Hour))
	if !status.Same(first, again) {
		t.Errorf("the same facts an hour later: %+v\nnot %+v", again, first)
	}
	other := status.Of(set(2, again), facts(func(f *status.Facts) { f.Contended = true }), now.Add(2*time.Hour))
	for i, want := range []time.Time{now.Add(2 * time.Hour), now, now.Add(2 * time.Hour)} {
		if c := other.Conditions[i]; !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s has been so since %s, not %s", c.Type, c.LastTransitionTime, want)
		}
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	f := facts(func(f *status.Facts) {
		f.Ports = []apply.PortStatus{nfs, smb, blocked, portOf("adapter-ftp", 21, port.Removed, "")}
		f.Pending, f.Deferred = []string{"adapter-smb"}, rollout.Stabilizing
		f.Removals = []rollout.Removal{{Name: "adapter-nfs", Adapter: apply.Adapter{Type: "nfs"}, Since: now.Add(time.Millisecond)}}
	})
	s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), f, now)
	got := make([]string, 0, len(s.Ports))
	for _, p := range s.Ports {
		got = append(got, fmt.Sprint(p.Name, " ", p.State, " ", len(p.Owners), " ", p.InactiveSince != nil))
	}
	if want := []string{"adapter-nfs Owned 1 true", "adapter-smb Pending 0 false", "adapter-smb Blocked 0 false"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	if s.ReadyPorts != 1 || s.DesiredPorts != 3 || s.FieldManager != "portside" || *s.Target != (v1alpha1.TargetStatus{UID: uid, Container: "server"}) {
		t.Errorf("%+v", s)
	}
	if since := s.Ports[0].InactiveSince; since.Time.Before(now.Add(time.Millisecond)) {
		t.Errorf("inactive since %s, which is too early", since)
	}
}

func TestPortReasons(t *testing.T) {
	t.Parallel()
	taken := blocked
	taken.Reason = port.ReasonNameTaken
	shared := portOf("adapter-nfs", 12049, port.Shared, "also declared by git")
	shared.Reason = port.ReasonCoOwned
	for name, c := range map[string]struct {
		port apply.PortStatus
		hold rollout.Reason
		want string
	}{
		"the plan's":                       {taken, rollout.NotDeferred, "Blocked NameTaken"},
		"none":                             {nfs, rollout.NotDeferred, "Owned "},
		"of a change that waits":           {nfs, rollout.Stabilizing, "Pending Stabilizing"},
		"of a change that waits, not ours": {shared, rollout.LimitReached, "Pending RolloutLimit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(func(f *status.Facts) {
				f.Ports = []apply.PortStatus{c.port}
				if c.hold != rollout.NotDeferred {
					f.Deferred, f.Pending = c.hold, []string{c.port.Name}
				}
			}), now)
			if got := s.Ports[0].State + " " + s.Ports[0].Reason; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestWhatWasNotDecidedStays: where nothing is known of the ports, those of the
// same workload are reported as before.
func TestWhatWasNotDecidedStays(t *testing.T) {
	t.Parallel()
	before := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(nil), now)
	deleted := status.Of(set(1, before), facts(func(f *status.Facts) {
		f.Why, f.UID, f.Container, f.Ports = status.TargetNotFound, "", "", nil
	}), now)
	if deleted.ReadyPorts != 1 || deleted.DesiredPorts != 1 || len(deleted.Ports) != 1 || deleted.Target.UID != uid {
		t.Errorf("when it is deleted: %+v", deleted)
	}
	awaiting := func(uid types.UID) v1alpha1.AdapterSetStatus {
		return status.Of(set(1, deleted), facts(func(f *status.Facts) {
			f.Why, f.UID, f.Container, f.Ports = status.AwaitingAnswer, uid, "", nil
		}), now)
	}
	if s := awaiting(uid); s.ReadyPorts != 1 || s.DesiredPorts != 1 || s.Target.Container != "server" {
		t.Errorf("when it is back: %+v", s)
	}
	if s := awaiting("two"); s.DesiredPorts != 0 || len(s.Ports) != 0 || s.Target.UID != "two" || s.Target.Container != "" {
		t.Errorf("when another is there: %+v", s)
	}
}

func warning(name string, number int32, manager, message string) advice.Warning {
	return advice.Warning{
		Reason: advice.CannotRenumber, Port: port.Port{Name: name, Number: number, Protocol: "TCP"},
		Manager: fieldmanager.Applier(manager), Message: message,
	}
}

// TestWarnings: each is in the message of its port, and is one event.
func TestWarnings(t *testing.T) {
	t.Parallel()
	const inactive = "adapter nfs is inactive; the port will be removed at 2000-01-01T00:05:00Z"
	git, helm := warning("adapter-nfs", 12049, "git", "git applies it"), warning("adapter-nfs", 12049, "helm", "helm merges")
	warned := func(ports []apply.PortStatus, warnings ...advice.Warning) func(*status.Facts) {
		return func(f *status.Facts) { f.Ports, f.Warnings = ports, warnings }
	}
	waiting := func(f *status.Facts) {
		warned([]apply.PortStatus{nfs}, git)(f)
		f.Removals = []rollout.Removal{{Name: "adapter-nfs", Adapter: apply.Adapter{Type: "nfs"}, Since: now, At: now.Add(5 * time.Minute)}}
	}
	one, both := []apply.PortStatus{nfs}, []apply.PortStatus{nfs, smb}
	for name, c := range map[string]struct {
		before, after func(*status.Facts)
		message       string   // of adapter-nfs
		want          []string // the events
	}{
		"none":                   {nil, nil, "", nil},
		"one":                    {nil, warned(one, git), "git applies it", []string{"CannotRenumber git: git applies it"}},
		"two":                    {nil, warned(both, git, helm), "git applies it; helm merges", []string{"CannotRenumber git: git applies it", "CannotRenumber helm: helm merges"}},
		"it stays":               {warned(one, git), warned(one, git), "git applies it", nil},
		"a second":               {warned(one, git), warned(one, git, helm), "git applies it; helm merges", []string{"CannotRenumber helm: helm merges"}},
		"it ends":                {warned(one, git, helm), warned(one, helm), "helm merges", nil},
		"of another":             {warned(both, git), warned(both, warning("adapter-smb", 1445, "git", "git applies it")), "", []string{"CannotRenumber git: git applies it"}},
		"a shared port":          {nil, warned([]apply.PortStatus{portOf("adapter-nfs", 12049, port.Shared, "git has it too")}, git), "git has it too; git applies it", []string{"CannotRenumber git: git applies it"}},
		"a port that is removed": {nil, waiting, inactive + "; git applies it", []string{"CannotRenumber git: git applies it"}},
		"another number":         {nil, warned(one, warning("adapter-nfs", 2049, "git", "git applies it")), "", nil},
		"another port":           {nil, warned(one, warning("adapter-smb", 12049, "git", "git applies it")), "", nil},
		"a port that is to come": {nil, func(f *status.Facts) {
			warned(one, git)(f)
			f.Pending, f.Deferred = []string{"adapter-nfs"}, rollout.Stabilizing
		}, "the change is applied when it has stayed the same for 10s", nil},
		"another workload": {warned(one, git), func(f *status.Facts) { warned(one, git)(f); f.UID = "two" }, "git applies it", []string{"CannotRenumber git: git applies it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(c.before), now)
			f := facts(c.after)
			after := status.Of(set(1, before), f, now)
			if got := after.Ports[0].Message; got != c.message {
				t.Errorf("its message is %q, not %q", got, c.message)
			}
			var got []string
			for _, e := range status.Events(before, after, f) {
				if e.Type == "Warning" {
					got = append(got, fmt.Sprintf("%s %s: %s", e.Reason, e.Manager, e.Note))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("events %q, not %q", got, c.want)
			}
			if again := status.Of(set(1, after), f, now.Add(time.Hour)); !status.Same(after, again) || len(status.Events(after, again, f)) != 0 {
				t.Errorf("it is reported again: %+v", again)
			}
		})
	}
}

// TestStopped keeps Ready as it was. What was not ready waits for a person.
func TestStopped(t *testing.T) {
	t.Parallel()
	stop := func(reason status.ConditionReason) func(*status.Facts) {
		return func(f *status.Facts) { f.Stopped = reason }
	}
	for name, c := range map[string]struct {
		before func(*status.Facts)
		want   []string
	}{
		"ready":      {nil, []string{inPlace, "Reconciling=False Suspended", notStalled}},
		"new":        {stop(status.Suspended), []string{"Ready=True Suspended", "Reconciling=False Suspended", notStalled}},
		"paused":     {stop(status.Paused), []string{"Ready=True Suspended", "Reconciling=False Suspended", notStalled}},
		"stalled":    {func(f *status.Facts) { f.Contended = true }, []string{"Ready=False Contended", "Reconciling=False Suspended", "Stalled=True Contended"}},
		"is stuck":   {func(f *status.Facts) { f.RollingOut, f.Stuck = true, true }, []string{inPlace, "Reconciling=False Suspended", "Stalled=True RolloutStuck"}},
		"not ready":  {func(f *status.Facts) { f.Failure = "away" }, []string{"Ready=False Unavailable", "Reconciling=False Suspended", "Stalled=True Suspended"}},
		"rolled out": {func(f *status.Facts) { f.RollingOut = true }, []string{inPlace, "Reconciling=False Suspended", notStalled}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(c.before), now)
			s := status.Of(set(2, before), facts(stop(status.Suspended)), now)
			if got := textsOf(s); !slices.Equal(got, c.want) || s.ObservedGeneration != 2 {
				t.Errorf("%q of generation %d\nnot %q", got, s.ObservedGeneration, c.want)
			}
			if again := status.Of(set(2, s), facts(stop(status.Suspended)), now.Add(time.Hour)); !status.Same(s, again) {
				t.Errorf("it changes: %q", textsOf(again))
			}
			continued := textsOf(status.Of(set(3, s), facts(nil), now))
			if want := []string{inPlace, settled, notStalled}; !slices.Equal(continued, want) {
				t.Errorf("when it continues: %q", continued)
			}
		})
	}
}

// TestStopped_TargetDeleted reports that the workload is gone although nothing is
// written, and begins again when it exists.
func TestStopped_TargetDeleted(t *testing.T) {
	t.Parallel()
	suspend := func(f *status.Facts) { f.Stopped = status.Suspended }
	gone := func(f *status.Facts) {
		f.Stopped, f.Why, f.Because = status.Suspended, status.TargetNotFound, "not found"
	}
	for name, before := range map[string]func(*status.Facts){"ready": nil, "stalled": func(f *status.Facts) { f.Contended = true }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(before), now)
			s = status.Of(set(2, s), facts(suspend), now)
			s = status.Of(set(2, s), facts(gone), now)
			if got, want := textsOf(s), []string{"Ready=False TargetNotFound", "Reconciling=False Suspended", "Stalled=True Suspended"}; !slices.Equal(got, want) {
				t.Errorf("%q\nnot %q", got, want)
			}
			s = status.Of(set(2, s), facts(suspend), now)
			if got, want := textsOf(s), []string{"Ready=True Suspended", "Reconciling=False Suspended", notStalled}; !slices.Equal(got, want) {
				t.Errorf("the workload exists again: %q\nnot %q", got, want)
			}
		})
	}
}

// TestDiscoveryStalls for a reason that needs action. What status has stays for the
// same spec and reason, since a process that has just started has not counted.
func TestDiscoveryStalls(t *testing.T) {
	t.Parallel()
	fails := func(reason discovery.Reason, stalled bool) func(*status.Facts) {
		return func(f *status.Facts) { f.Discovery = &discovery.Condition{Reason: reason, Stalled: stalled} }
	}
	answers := func(f *status.Facts) { f.Discovery = &discovery.Condition{Met: true, Reason: "Answered"} }
	const stalled = "Stalled=True NotFound"
	for name, c := range map[string]struct {
		before, after func(*status.Facts)
		generation    int64
		want          string
	}{
		"not yet":        {answers, fails("NotFound", false), 1, notStalled},
		"now":            {answers, fails("NotFound", true), 1, stalled},
		"after restart":  {fails("NotFound", true), fails("NotFound", false), 1, stalled},
		"another spec":   {fails("NotFound", true), fails("NotFound", false), 2, notStalled},
		"another reason": {fails("NotFound", true), fails("ServerError", false), 1, notStalled},
		"it answers":     {fails("NotFound", true), answers, 1, notStalled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(c.before), now)
			if got := textsOf(status.Of(set(c.generation, before), facts(c.after), now)); got[2] != c.want {
				t.Errorf("%q, not %q", got[2], c.want)
			}
		})
	}
}
