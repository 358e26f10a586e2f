package controller

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
)

// TestFullPassesAreSpread: neither a restart nor a list that was full of changes
// has the server be asked for all targets at once, then or ever after.
func TestFullPassesAreSpread(t *testing.T) {
	t.Parallel()
	const period = 10 * time.Hour
	began := time.Now()
	for name, c := range map[string]struct {
		next        func() time.Duration
		least, most time.Duration
	}{
		"the first": {func() time.Duration {
			w := &work{reconciler: &reconciler{fullPass: period}, memory: &memory{}, now: began}
			w.scheduleFullPass()
			first := w.memory.fullPass
			w.scheduleFullPass()
			if !w.memory.fullPass.Equal(first) {
				t.Error("it was put off")
			}
			return first.Sub(began)
		}, time.Nanosecond, period},
		"those after it": {func() time.Duration { return jittered(period) }, period * 9 / 10, period * 11 / 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenths := map[int]bool{}
			for range 1000 {
				next := c.next()
				if next < c.least || next > c.most {
					t.Fatalf("%s is not between %s and %s", next, c.least, c.most)
				}
				tenths[int(10*(next-c.least)/(c.most-c.least+1))] = true
			}
			if len(tenths) != 10 {
				t.Errorf("of the tenths between %s and %s only %v has any of 1,000", c.least, c.most, tenths)
			}
		})
	}
}

// TestAnActionIsAsLongAsTheServerTakes: names of managers are up to 128 bytes
// long, of any letters.
func TestAnActionIsAsLongAsTheServerTakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ port, manager, want string }{
		"nothing":    {"", "", "SetPort"},
		"a port":     {"adapter-nfs 12049/TCP", "", "SetPort adapter-nfs 12049/TCP"},
		"of another": {"adapter-nfs 12049/TCP", "git", "SetPort adapter-nfs 12049/TCP git"},
		"a long one": {"nfs", strings.Repeat("m", 128), "SetPort nfs " + strings.Repeat("m", 107) + " "},
		"not ASCII":  {"nfs", strings.Repeat("ü", 64), "SetPort nfs " + strings.Repeat("ü", 53) + " "},
		"cut within": {"nfs1", strings.Repeat("ü", 64), "SetPort nfs1 " + strings.Repeat("ü", 53) + " "},
	} {
		got := actionOf(status.Event{Ports: c.port, Manager: c.manager})
		if !strings.HasPrefix(got, c.want) || len(got) > maxAction || !utf8.ValidString(got) {
			t.Errorf("%s: it is %q, not %q", name, got, c.want)
		}
	}
}

// TestWhoTookThePorts goes by what managedFields tell of who wrote, and when.
func TestWhoTookThePorts(t *testing.T) {
	t.Parallel()
	const (
		container = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:image":{}}}}}}}`
		replicas  = `{"f:spec":{"f:replicas":{}}}`
	)
	began := metav1.Now()
	entry := func(manager string, operation metav1.ManagedFieldsOperationType, seconds int, fields string) metav1.ManagedFieldsEntry {
		at := metav1.NewTime(began.Add(time.Duration(seconds) * time.Second))
		return metav1.ManagedFieldsEntry{
			Manager: manager, Operation: operation, APIVersion: "apps/v1", Time: &at, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
		}
	}
	updated := func(manager string, seconds int) metav1.ManagedFieldsEntry {
		return entry(manager, metav1.ManagedFieldsOperationUpdate, seconds, container)
	}
	ours := entry(testenv.Portside, metav1.ManagedFieldsOperationApply, 10, container)
	status := updated("kubelet", 30)
	status.Subresource = "status"
	timeless := updated("old", 0)
	timeless.Time = nil
	for name, c := range map[string]struct {
		entries []metav1.ManagedFieldsEntry
		want    rollout.Taker
	}{
		"nobody":                       {nil, rollout.Taker{}},
		"only we":                      {[]metav1.ManagedFieldsEntry{ours}, rollout.Taker{}},
		"who wrote since":              {[]metav1.ManagedFieldsEntry{ours, updated("operator", 20)}, rollout.Taker{Manager: "operator", Certain: true}},
		"who wrote at the same moment": {[]metav1.ManagedFieldsEntry{ours, updated("operator", 10)}, rollout.Taker{Manager: "operator", Certain: true}},
		"the last of two":              {[]metav1.ManagedFieldsEntry{updated("edit", 25), ours, updated("operator", 20)}, rollout.Taker{Manager: "edit", Certain: true}},
		"who wrote before":             {[]metav1.ManagedFieldsEntry{updated("edit", 4), updated("operator", 5), ours}, rollout.Taker{Manager: "operator"}},
		"there is nothing of ours":     {[]metav1.ManagedFieldsEntry{updated("operator", 5)}, rollout.Taker{Manager: "operator", Certain: true}},
		"who applies takes nothing away": {
			[]metav1.ManagedFieldsEntry{updated("operator", 20), entry("git", metav1.ManagedFieldsOperationApply, 30, container)}, rollout.Taker{Manager: "operator", Certain: true},
		},
		"who applies is not we":    {[]metav1.ManagedFieldsEntry{updated("operator", 5), entry("git", metav1.ManagedFieldsOperationApply, 30, container)}, rollout.Taker{Manager: "operator", Certain: true}},
		"who has no container":     {[]metav1.ManagedFieldsEntry{updated("operator", 20), entry("scaler", metav1.ManagedFieldsOperationUpdate, 30, replicas)}, rollout.Taker{Manager: "operator", Certain: true}},
		"who writes status":        {[]metav1.ManagedFieldsEntry{updated("operator", 20), status}, rollout.Taker{Manager: "operator", Certain: true}},
		"when is not told of them": {[]metav1.ManagedFieldsEntry{timeless}, rollout.Taker{}},
	} {
		look := &workload.Workload{Target: workload.Target{Kind: workload.StatefulSet, Name: "files"}, ManagedFields: c.entries}
		if got := takerOf(look, testenv.Portside); got != c.want {
			t.Errorf("%s: it is %+v, not %+v", name, got, c.want)
		}
	}
}

// TestAFightIsTakenUp from the reasons of ports in status, whatever Ready says.
func TestAFightIsTakenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state       port.State
		reason      port.Reason
		fight, lost bool
	}{
		"a port is away":     {port.Blocked, status.PortContended, true, true},
		"it was added again": {port.Owned, status.PortContended, true, false},
		"there is none":      {port.Blocked, port.ReasonNameTaken, false, false},
	} {
		w := &work{memory: &memory{}, now: time.Now()}
		w.told.Ports = []v1alpha1.PortStatus{{Name: "adapter-nfs", Port: 12049, Protocol: "TCP", State: string(c.state), Reason: string(c.reason)}}
		w.resume(&workload.Workload{})
		if lost := slices.Contains(w.lost, portID{"adapter-nfs", 12049, "TCP"}); w.Fight.Under() != c.fight || lost != c.lost {
			t.Errorf("%s: a fight %t, the port lost %t", name, w.Fight.Under(), lost)
		}
	}
}

// TestTheNewerIsTaken of the status that is watched and the one that the server
// answered.
func TestTheNewerIsTaken(t *testing.T) {
	t.Parallel()
	sent := v1alpha1.AdapterSetStatus{FieldManager: "as sent"}
	for version, want := range map[string]string{"9": "as sent", "10": "as watched", "11": "as watched"} {
		m := &memory{statusSent: map[string]sentStatus{"files": {"10", sent}}}
		set := &v1alpha1.AdapterSet{}
		set.Name, set.ResourceVersion, set.Status.FieldManager = "files", version, "as watched"
		if got := m.statusOf(set).FieldManager; got != want {
			t.Errorf("status of version %s is %s", version, got)
		}
	}
}
