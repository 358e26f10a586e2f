package status_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

var update = flag.Bool("update", false, "write testdata/states.json")

// state is one state of an AdapterSet, and what kstatus is to make of it:
// testenv/peers/flux/kstatus asks it.
type state struct {
	State   string              `json:"state"`
	Kstatus string              `json:"kstatus"`
	Object  v1alpha1.AdapterSet `json:"object"`
}

// TestStates has each state in testdata/states.json.
func TestStates(t *testing.T) {
	t.Parallel()
	why := func(reason status.ConditionReason) func(*status.Facts) {
		return func(f *status.Facts) { f.Why, f.Because = reason, "because" }
	}
	pending := func(hold rollout.Reason) func(*status.Facts) {
		return func(f *status.Facts) { f.Deferred, f.Pending = hold, []string{"adapter-nfs"} }
	}
	stop := func(reason status.ConditionReason) func(*status.Facts) {
		return func(f *status.Facts) { f.Stopped = reason }
	}
	suspendedWithoutTarget := func(f *status.Facts) {
		f.Stopped, f.Why, f.Because = status.Suspended, status.TargetNotFound, "because"
	}
	discovered := func(why status.ConditionReason, reason discovery.Reason, stalled bool) func(*status.Facts) {
		return func(f *status.Facts) {
			f.Why, f.Discovery = why, &discovery.Condition{Reason: reason, Stalled: stalled}
		}
	}
	const current, inProgress, failed = "Current", "InProgress", "Failed"
	var lines []string
	for _, c := range []struct {
		name          string
		before, after func(*status.Facts)
		kstatus       string
	}{
		{"every port is in place", nil, nil, current},
		{"target not found", nil, why(status.TargetNotFound), inProgress},
		{"target of an older AdapterSet", nil, why(status.TargetTaken), failed},
		{"container not found", nil, why(status.ContainerNotFound), failed},
		{"field manager with other fields", nil, why(status.FieldManagerNotDedicated), failed},
		{"excluded namespace", nil, why(status.NamespaceExcluded), failed},
		{"ports are removed before the AdapterSet", nil, why(status.Removing), inProgress},
		{"no answer yet", nil, discovered(status.AwaitingAnswer, "NotFound", false), inProgress},
		{"no answer without action", nil, discovered(status.AwaitingAnswer, "NotFound", true), failed},
		{"ports in place, a poll fails", nil, discovered("", "Unauthorized", false), current},
		{"ports in place, polls fail until action", nil, discovered("", "Unauthorized", true), failed},
		{"suspended", nil, stop(status.Suspended), current},
		{"created suspended", nil, stop(status.Suspended), current},
		{"suspended while it was not ready", pending(rollout.Stabilizing), stop(status.Suspended), failed},
		{"suspended while it was stalled", why(status.TargetTaken), stop(status.Suspended), failed},
		{"suspended while there was no target", why(status.TargetNotFound), suspendedWithoutTarget, failed},
		{"suspended, then the target is deleted", nil, suspendedWithoutTarget, failed},
		{"paused", nil, stop(status.Paused), current},
		{"the API server refuses the change", nil, func(f *status.Facts) { f.Failure, f.Refusal = "denied", true }, failed},
		{"the API server is unavailable", nil, func(f *status.Facts) { f.Failure = "away" }, inProgress},
		{"contention", nil, func(f *status.Facts) { f.Contended = true }, failed},
		{"a blocked port", nil, func(f *status.Facts) { f.Ports = append(f.Ports, blocked) }, failed},
		{"an invalid adapter", nil, func(f *status.Facts) { f.Ports = append(f.Ports, invalid) }, failed},
		{"a change in the stabilization window", nil, pending(rollout.Stabilizing), inProgress},
		{"a change waits for a rollout", nil, pending(rollout.UnderWay), inProgress},
		{"a change waits for a rollout without progress", nil, pending(rollout.Stuck), failed},
		{"a change waits for other workloads", nil, pending(rollout.LimitReached), inProgress},
		{"a rollout of portside", nil, func(f *status.Facts) { f.RollingOut = true }, inProgress},
		{"a rollout of portside without progress", nil, func(f *status.Facts) { f.RollingOut, f.Stuck = true, true }, failed},
		{"a removal waits", nil, func(f *status.Facts) { f.Removals = []rollout.Removal{{Name: "adapter-nfs"}} }, inProgress},
	} {
		object := set(1, status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(c.before), now))
		if c.name == "created suspended" {
			object = set(1, v1alpha1.AdapterSetStatus{})
		}
		object.Status = status.Of(object, facts(c.after), now)
		ready := meta.FindStatusCondition(object.Status.Conditions, status.Ready)
		if ready.Status != metav1.ConditionTrue && !meta.IsStatusConditionTrue(object.Status.Conditions, status.Reconciling) &&
			!meta.IsStatusConditionTrue(object.Status.Conditions, status.Stalled) {
			t.Errorf("%s: not Ready, neither Reconciling nor Stalled: %q", c.name, textsOf(object.Status))
		}
		object.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "AdapterSet"}
		line, err := json.Marshal(state{c.name, c.kstatus, *object})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	got := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
	const file = "testdata/states.json"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // G306: it is a file of the repository
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got {
		t.Errorf("%s is out of date: run go test ./cmd/portside/internal/status -run TestStates -update (%v)", file, err)
	}
}
