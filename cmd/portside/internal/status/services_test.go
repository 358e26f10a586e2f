package status_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// withService are facts about a workload in which all is well, and about a Service.
func withService(change func(*status.Facts)) func(*status.Facts) {
	return func(f *status.Facts) {
		service := status.Facts{FieldManager: "portside", Service: "files", UID: "service", Ports: []apply.PortStatus{portOf("adapter-nfs", 2049, port.Owned, "")}}
		change(&service)
		f.Services = []status.Facts{service}
	}
}

// TestServiceConditions: what a Service lacks is reported for the AdapterSet, but for what
// a user paused.
func TestServiceConditions(t *testing.T) {
	t.Parallel()
	retained := portOf("adapter-nfs", 2049, port.Retained, "it is the last port")
	for name, c := range map[string]struct {
		service func(*status.Facts)
		want    []string
		ports   string
	}{
		"all is in place": {func(*status.Facts) {}, []string{inPlace, settled, notStalled}, "2/2"},
		"it does not exist": {func(f *status.Facts) { f.Why, f.UID, f.Ports = status.ServiceNotFound, "", nil },
			[]string{"Ready=False ServiceNotFound", "Reconciling=True ServiceNotFound", notStalled}, "1/1"},
		"it is another's": {func(f *status.Facts) { f.Why, f.Ports = status.ServiceTaken, nil },
			[]string{"Ready=False ServiceTaken", settled, "Stalled=True ServiceTaken"}, "1/1"},
		"a port is blocked": {func(f *status.Facts) { f.Ports = []apply.PortStatus{blocked} },
			[]string{"Ready=False Conflicting", settled, "Stalled=True Conflicting"}, "1/2"},
		"a change waits": {func(f *status.Facts) { f.Deferred, f.Pending = rollout.Stabilizing, []string{"adapter-nfs"} },
			[]string{"Ready=False Stabilizing", "Reconciling=True Stabilizing", notStalled}, "1/2"},
		"it is paused": {func(f *status.Facts) { f.Stopped, f.Pending = status.Paused, []string{"adapter-nfs"} },
			[]string{inPlace, settled, notStalled}, "1/2"},
		"its last port stays": {func(f *status.Facts) { f.Ports = []apply.PortStatus{retained} }, []string{inPlace, settled, notStalled}, "1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(withService(c.service)), now)
			if got := textsOf(s); !slices.Equal(got, c.want) {
				t.Errorf("%q, not %q", got, c.want)
			}
			if got := strings.Join([]string{string('0' + s.ReadyPorts), string('0' + s.DesiredPorts)}, "/"); got != c.ports {
				t.Errorf("%s ports, not %s", got, c.ports)
			}
			if ready := s.Conditions[0]; ready.Status == "False" && c.want[0] != "Ready=False ServiceNotFound" && !strings.HasPrefix(ready.Message, "Service files: ") {
				t.Errorf("Ready does not name the Service: %s", ready.Message)
			}
		})
	}
}

// TestServiceStatus_Kept: what is known of a Service stays while it is not observed, and
// while nothing is decided about it; but not that of another Service of the name.
func TestServiceStatus_Kept(t *testing.T) {
	t.Parallel()
	first := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(withService(func(*status.Facts) {})), now)
	if len(first.Services) != 1 || len(first.Services[0].Ports) != 1 || first.Services[0].UID != "service" {
		t.Fatalf("%+v", first.Services)
	}
	after := func(change func(*status.Facts)) v1alpha1.AdapterSetStatus {
		return status.Of(set(1, first), facts(change), now)
	}
	if s := after(nil); len(s.Services) != 1 || len(s.Services[0].Ports) != 1 {
		t.Errorf("not observed: %+v", s.Services)
	}
	taken := func(uid types.UID) func(*status.Facts) {
		return withService(func(f *status.Facts) { f.Why, f.UID, f.Ports = status.ServiceTaken, uid, nil })
	}
	if s := after(taken("service")); len(s.Services[0].Ports) != 1 || s.Services[0].Reason != "ServiceTaken" {
		t.Errorf("undecided: %+v", s.Services)
	}
	if s := after(taken("another")); len(s.Services[0].Ports) != 0 {
		t.Errorf("another Service: %+v", s.Services)
	}
	if s := after(func(f *status.Facts) { f.Services = []status.Facts{} }); len(s.Services) != 0 {
		t.Errorf("no longer named: %+v", s.Services)
	}
}

// TestServiceMessages_Durations expects the durations of the AdapterSet in messages about a
// Service.
func TestServiceMessages_Durations(t *testing.T) {
	t.Parallel()
	of := set(1, v1alpha1.AdapterSetStatus{})
	of.Spec.Rollout = v1alpha1.Rollout{StabilizationWindowSeconds: new(int32(7)), RemovalDelaySeconds: new(int32(90))}
	smb := apply.Adapter{Type: "smb", Port: 445, Protocol: "TCP"}
	for name, c := range map[string]struct {
		service func(*status.Facts)
		want    string
	}{
		"a change waits": {func(f *status.Facts) { f.Deferred, f.Pending = rollout.Stabilizing, []string{"adapter-nfs"} }, "stayed the same for 7s"},
		"a port is to be removed": {func(f *status.Facts) {
			f.Removals = []rollout.Removal{{Adapter: smb, Name: "adapter-smb"}}
		}, "removed after 1m30s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := status.Of(of, facts(withService(c.service)), now)
			if got := s.Conditions[1]; got.Type != "Reconciling" || !strings.Contains(got.Message, c.want) {
				t.Errorf("%s: %s, want %q in it", got.Type, got.Message, c.want)
			}
		})
	}
}

// TestServiceEvents: events about a port of a Service name the Service.
func TestServiceEvents(t *testing.T) {
	t.Parallel()
	before := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(withService(func(f *status.Facts) { f.Ports = nil })), now)
	f := facts(withService(func(f *status.Facts) {
		f.Ports = append(f.Ports, blocked)
		f.Changes = []v1alpha1.PortsChange{{Ports: []v1alpha1.ChangedPort{
			{Service: "files", Name: "adapter-nfs", Port: 2049, Protocol: "TCP", Change: v1alpha1.PortAdded},
			{Service: "files", Name: "adapter-web", Port: 80, Protocol: "TCP", Change: v1alpha1.PortChanged},
		}}}
		f.ServiceWarnings = []adapterset.ServiceWarning{{Reason: adapterset.NoSelector, Message: "no selector"}}
	}))
	after := status.Of(set(1, before), f, now)
	var got []string
	for _, e := range status.Events(before, after, f) {
		got = append(got, e.Reason+" "+e.Note)
	}
	want := []string{
		"PortAdded Added port adapter-nfs (2049/TCP) of Service files",
		"PortRetargeted Changed where a port leads: adapter-web (80/TCP) of Service files",
		"PortBlocked Cannot add port adapter-smb (1445/TCP) of Service files: " + blocked.Message,
		"NoSelector Service files: no selector",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}
