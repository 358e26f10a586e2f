package install_test

import (
	"context"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

var dryCreate = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

// forgedEvents are events that portside does not write.
var forgedEvents = map[string]func(*eventsv1.Event){
	"about a pod":                 func(e *eventsv1.Event) { e.Regarding.APIVersion, e.Regarding.Kind = "v1", "Pod" },
	"about nothing":               func(e *eventsv1.Event) { e.Regarding = corev1.ObjectReference{Namespace: e.Namespace} },
	"about a Node's node":         func(e *eventsv1.Event) { e.Regarding.Kind = "Node" },
	"about a kind of that name":   func(e *eventsv1.Event) { e.Regarding.APIVersion = "example.com/v1" },
	"about an AdapterSet of apps": func(e *eventsv1.Event) { e.Regarding.Kind = "AdapterSet" },
	"as the kubelet":              func(e *eventsv1.Event) { e.ReportingController = "kubelet" },
	"as the kubelet about a Lease": func(e *eventsv1.Event) {
		e.ReportingController, e.Regarding.APIVersion, e.Regarding.Kind = "kubelet", "coordination.k8s.io/v1", "Lease"
	},
}

// ofCore returns the event in core/v1.
func ofCore(e *eventsv1.Event) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: e.ObjectMeta, EventTime: e.EventTime, InvolvedObject: e.Regarding, Reason: e.Reason, Message: "forged", Type: e.Type,
		ReportingController: e.ReportingController, ReportingInstance: e.ReportingInstance, Action: e.Action,
	}
}

// TestGuardLimitsEvents refuses forged events by both APIs, whatever RBAC grants.
func TestGuardLimitsEvents(t *testing.T) {
	t.Parallel()
	i := robbed(t)
	ctx := t.Context()
	policy := i.manager + "-guard-events'"
	of, core := i.us().EventsV1().Events(i.workloads), i.us().CoreV1().Events(i.workloads)
	testenv.Eventually(t, "the guard of events to be in force", func(ctx context.Context) error {
		forged := event(i)
		forgedEvents["about a pod"](forged)
		return portside.RefusedBy(second(of.Create(ctx, forged, dryCreate)), policy)
	})
	for name, forge := range forgedEvents {
		forged := event(i)
		forge(forged)
		for api, err := range map[string]error{
			"events.k8s.io": second(of.Create(ctx, forged, dryCreate)),
			"core":          second(core.Create(ctx, ofCore(forged), dryCreate)),
		} {
			if err := portside.RefusedBy(err, policy); err != nil {
				t.Errorf("%s: %s: %v", api, name, err)
			}
		}
	}
	kubelets := ofCore(event(i))
	kubelets.GenerateName, kubelets.Name, kubelets.ReportingController = "", "kubelets", "kubelet"
	if _, err := clientset(t, i.Config()).CoreV1().Events(i.workloads).Create(ctx, kubelets, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for verb, err := range map[string]error{
		"patch":         second(of.Patch(ctx, "kubelets", types.MergePatchType, []byte(`{"series":{"count":9,"lastObservedTime":"2030-01-01T00:00:00.000000Z"}}`), metav1.PatchOptions{})),
		"patch by core": second(core.Patch(ctx, "kubelets", types.MergePatchType, []byte(`{"message":"forged","reportingComponent":"portside"}`), metav1.PatchOptions{})),
		"delete":        core.Delete(ctx, "kubelets", metav1.DeleteOptions{}),
	} {
		if err := portside.RefusedBy(err, policy); err != nil {
			t.Errorf("%s of the kubelet's event: %v", verb, err)
		}
	}
}

// TestGuardAllowsEvents allows events about the kinds that portside writes about,
// and their patches.
func TestGuardAllowsEvents(t *testing.T) {
	t.Parallel()
	i := robbed(t)
	of := i.us().EventsV1().Events(i.workloads)
	kinds := map[string]string{"AdapterSet": "portside.dev/v1alpha1"}
	for _, kind := range workload.Kinds() {
		kinds[kind.Kind] = "apps/v1"
	}
	for kind, apiVersion := range kinds {
		e := event(i)
		e.Regarding.Kind, e.Regarding.APIVersion = kind, apiVersion
		created, err := of.Create(t.Context(), e, metav1.CreateOptions{})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if _, err := of.Patch(t.Context(), created.Name, types.StrategicMergePatchType,
			[]byte(`{"series":{"count":2,"lastObservedTime":"2030-01-01T00:00:00.000000Z"}}`), metav1.PatchOptions{}); err != nil {
			t.Errorf("%s: patch: %v", kind, err)
		}
	}
	if _, err := i.us().CoreV1().Events(i.system).Create(t.Context(), leads(i), metav1.CreateOptions{}); err != nil {
		t.Errorf("the event of leader election: %v", err)
	}
}

// TestGuardLimitsLeases allows only the Lease of leader election.
func TestGuardLimitsLeases(t *testing.T) {
	t.Parallel()
	i := robbed(t)
	policy := i.manager + "-guard-leases'"
	there, elsewhere := i.us().CoordinationV1().Leases(i.system), i.us().CoordinationV1().Leases(i.workloads)
	named := func(namespace, name string) *coordinationv1.Lease {
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	testenv.Eventually(t, "the guard of Leases to be in force", func(ctx context.Context) error {
		return portside.RefusedBy(second(there.Create(ctx, named(i.system, "other"), dryCreate)), policy)
	})
	generated := named(i.system, "")
	generated.GenerateName = i.manager
	for name, err := range map[string]error{
		"create of a generated name":              second(there.Create(t.Context(), generated, dryCreate)),
		"create of the name in another namespace": second(elsewhere.Create(t.Context(), named(i.workloads, i.manager), dryCreate)),
	} {
		if err := portside.RefusedBy(err, policy); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := clientset(t, i.Config()).CoordinationV1().Leases(i.workloads).Create(t.Context(), named(i.workloads, "theirs"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"update": second(elsewhere.Patch(t.Context(), "theirs", types.MergePatchType, []byte(`{"spec":{"holderIdentity":"evil"}}`), metav1.PatchOptions{})),
		"delete": elsewhere.Delete(t.Context(), "theirs", metav1.DeleteOptions{}),
	} {
		if err := portside.RefusedBy(err, policy); err != nil {
			t.Errorf("%s of another Lease: %v", name, err)
		}
	}
	own, err := there.Create(t.Context(), lease(i), metav1.CreateOptions{})
	if err == nil {
		_, err = there.Update(t.Context(), own, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Errorf("its own Lease: %v", err)
	}
}
