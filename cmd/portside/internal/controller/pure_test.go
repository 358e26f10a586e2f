package controller

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
)

// TestResyncsAreSpread checks that neither a restart nor a list that was full of changes
// has the API server asked about all targets at once, then or later.
func TestResyncsAreSpread(t *testing.T) {
	t.Parallel()
	const period = 10 * time.Hour
	began := time.Now()
	for name, c := range map[string]struct {
		next        func() time.Duration
		least, most time.Duration
	}{
		"the_first": {func() time.Duration {
			r, s := &reconciler{resync: period}, &state{}
			r.scheduleResync(s, began)
			first := s.resyncAt
			r.scheduleResync(s, began)
			if !s.resyncAt.Equal(first) {
				t.Error("it was put off")
			}
			return first.Sub(began)
		}, time.Nanosecond, period},
		"those_after_it": {func() time.Duration { return wait.Jitter(period, resyncJitter) }, period, period * 11 / 10},
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

// TestActionOf checks that the API server accepts the action of an event. Names of
// managers have up to 128 bytes, of any letters.
func TestActionOf(t *testing.T) {
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

// TestContenderOf checks which manager managedFields show as the one that removed ports.
func TestContenderOf(t *testing.T) {
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
		want    rollout.Contender
	}{
		"no entry":                   {nil, rollout.Contender{}},
		"ours alone":                 {[]metav1.ManagedFieldsEntry{ours}, rollout.Contender{}},
		"one that wrote since":       {[]metav1.ManagedFieldsEntry{ours, updated("operator", 20)}, rollout.Contender{Manager: "operator", Certain: true}},
		"one that wrote when we did": {[]metav1.ManagedFieldsEntry{ours, updated("operator", 10)}, rollout.Contender{Manager: "operator", Certain: true}},
		"the last of two":            {[]metav1.ManagedFieldsEntry{updated("edit", 25), ours, updated("operator", 20)}, rollout.Contender{Manager: "edit", Certain: true}},
		"one that wrote before":      {[]metav1.ManagedFieldsEntry{updated("edit", 4), updated("operator", 5), ours}, rollout.Contender{Manager: "operator"}},
		"no entry of ours":           {[]metav1.ManagedFieldsEntry{updated("operator", 5)}, rollout.Contender{Manager: "operator", Certain: true}},
		"one that applied later": {
			[]metav1.ManagedFieldsEntry{updated("operator", 20), entry("git", metav1.ManagedFieldsOperationApply, 30, container)}, rollout.Contender{Manager: "operator", Certain: true},
		},
		"one that applies, without ours": {[]metav1.ManagedFieldsEntry{updated("operator", 5), entry("git", metav1.ManagedFieldsOperationApply, 30, container)}, rollout.Contender{Manager: "operator", Certain: true}},
		"one without a container":        {[]metav1.ManagedFieldsEntry{updated("operator", 20), entry("scaler", metav1.ManagedFieldsOperationUpdate, 30, replicas)}, rollout.Contender{Manager: "operator", Certain: true}},
		"one that writes status":         {[]metav1.ManagedFieldsEntry{updated("operator", 20), status}, rollout.Contender{Manager: "operator", Certain: true}},
		"an entry without a time":        {[]metav1.ManagedFieldsEntry{timeless}, rollout.Contender{}},
	} {
		w := &workload.Workload{Target: workload.Target{Kind: workload.StatefulSet, Name: "files"}, ManagedFields: c.entries}
		if got := contenderOf(w, testenv.Portside); got != c.want {
			t.Errorf("%s: it is %+v, not %+v", name, got, c.want)
		}
	}
}

// TestContentionResumes from the reasons of ports in status, whatever Ready reports.
func TestContentionResumes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state               port.State
		reason              port.Reason
		contention, missing bool
	}{
		"a port is missing":  {port.Blocked, status.PortContended, true, true},
		"it was added again": {port.Owned, status.PortContended, true, false},
		"there is none":      {port.Blocked, port.ReasonNameTaken, false, false},
	} {
		s, in := &state{}, &input{now: time.Now(), workload: &workload.Workload{UID: "one"}}
		in.status.Ports = []v1alpha1.PortStatus{{Name: "adapter-nfs", Port: 12049, Protocol: "TCP", State: string(c.state), Reason: string(c.reason)}}
		r := &reconciler{gate: rollout.NewGate(nil, clock.RealClock{})}
		r.recall(s, in)
		if missing := (portID{"adapter-nfs", 12049, "TCP"}).isIn(s.ports.missing); s.Contention.UnderWay() != c.contention || missing != c.missing {
			t.Errorf("%s: contention is %t, the port is missing %t", name, s.Contention.UnderWay(), missing)
		}
	}
}

// TestStatusOf returns the newer of the cached status and the one that the API server
// answered.
func TestStatusOf(t *testing.T) {
	t.Parallel()
	stored := v1alpha1.AdapterSetStatus{FieldManager: "as stored"}
	for version, want := range map[string]string{"9": "as stored", "10": "as cached", "11": "as cached"} {
		s := &state{stored: map[string]*storedStatus{"files": {"10", stored}}}
		set := &v1alpha1.AdapterSet{}
		set.Name, set.ResourceVersion, set.Status.FieldManager = "files", version, "as cached"
		if got := s.statusOf(set).FieldManager; got != want {
			t.Errorf("the status of version %s is %s", version, got)
		}
	}
}
