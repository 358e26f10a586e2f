package apply_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// reasoned is a reconcile that must report these ports, each as
// "name state reason" and, where something blocks it, " by managers on port".
func reasoned(reconcile func(context.Context, *apply.Applier, workload.Target) (apply.Result, error), ports ...string) testenv.Do {
	return reasonedOf(workload.StatefulSet, workload.Ports(dittofs), reconcile, ports...)
}

func reasonedOf(kind workload.Kind, list port.List, reconcile func(context.Context, *apply.Applier, workload.Target) (apply.Result, error), ports ...string) testenv.Do {
	return testenv.Do{What: "a reconciliation", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		applier, err := applierFor(cp.Config())
		if err != nil {
			return err
		}
		result, err := reconcile(ctx, applier, workload.Target{Kind: kind, Namespace: namespace, Name: dittofs})
		var got []string
		for _, p := range result.Ports {
			got = append(got, reasonOf(list, p))
		}
		if !slices.Equal(got, ports) {
			return fmt.Errorf("ports %q (%v), want %q", got, err, ports)
		}
		return nil
	}}
}

func reasonOf(list port.List, p apply.PortStatus) string {
	line := strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Name, p.State, p.Reason))
	if p.Blocker != nil {
		names := make([]string, 0, len(p.Blocker.Managers))
		for _, m := range p.Blocker.Managers {
			names = append(names, m.String())
		}
		line += fmt.Sprintf(" by %s on %s", strings.Join(names, ", "), list.Port(p.Blocker.Item))
	}
	return line
}

// failing is a reconcile whose writes do not reach the server.
func failing(adapters ...apply.Adapter) func(context.Context, *apply.Applier, workload.Target) (apply.Result, error) {
	return func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		observed, err := a.Get(ctx, t)
		if err != nil {
			return apply.Result{}, err
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return applyFrom(ended, a, observed, apply.Desired{Adapters: adapters})
	}
}

func applying(adapters ...apply.Adapter) func(context.Context, *apply.Applier, workload.Target) (apply.Result, error) {
	return func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		return a.Apply(ctx, t, apply.Desired{Adapters: adapters})
	}
}

// TestReasons has a case for each reason of a port's state.
func TestReasons(t *testing.T) {
	t.Parallel()
	owned := testenv.Do{What: "the ports", Func: anyReconcile(nfs)}
	renamed := edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"backup"}]`)
	hostNetwork := testenv.Update{Manager: testenv.KubectlEdit, Mutate: func(w *unstructured.Unstructured) {
		_ = unstructured.SetNestedField(w.Object, true, "spec", "template", "spec", "hostNetwork")
	}}
	twice := updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}]")
	// A field that is not live, so that the table takes the number for free.
	leftover := edits("gone", `[{"op":"add","path":"/metadata/managedFields/-","value":{"manager":"gone","operation":"Update","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":`+
		`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}}}}}}}}}}]`)
	for name, steps := range map[string][]testenv.Step{
		"none":            {argo(static), reasoned(applying(nfs), "adapter-nfs Owned"), reasoned(applying(), "adapter-nfs Removed")},
		"CoOwned":         {argo("[{name: adapter-nfs, containerPort: 12049}]"), reasoned(applying(nfs), "adapter-nfs Shared CoOwned")},
		"DeclaredByOwner": {argo("[{name: nfs, containerPort: 12049}]"), reasoned(applying(nfs), "adapter-nfs Shadowed DeclaredByOwner")},
		"Unowned":         {argo(static), orphan("[{name: nfs, containerPort: 12049}]"), reasoned(applying(nfs), "adapter-nfs Shadowed Unowned")},
		"Renamed": {argo(static), owned, renamed,
			reasoned(applying(nfs), "adapter-nfs Blocked Renamed by kubectl-edit (Update) on backup:12049/TCP"),
			reasoned(applying(), "backup Released Renamed")},
		"NameTaken": {argo("[{name: adapter-nfs, containerPort: 2049}]"),
			reasoned(applying(nfs), "adapter-nfs Blocked NameTaken by argocd-controller (Apply) on adapter-nfs:2049/TCP")},
		"DuplicateKey": {argo("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"), twice,
			reasoned(applying(nfs), "adapter-nfs Blocked DuplicateKey by dittofs-operator (Update) on nfs:12049/TCP"),
			reasoned(func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
				return a.Adopt(ctx, t, "", []string{testenv.DittoFSOperator})
			}, "adapter-nfs Removed DuplicateKey")},
		"DuplicateName":   {argo(static), reasoned(applying(nfs, apply.Adapter{Type: "NFS", Port: 3049}), "adapter-nfs Owned", "adapter-nfs Blocked DuplicateName")},
		"DuplicatePort":   {argo(static), reasoned(applying(nfs, at(smb, 12049)), "adapter-nfs Owned", "adapter-smb Blocked DuplicatePort")},
		"InvalidType":     {argo(static), reasoned(applying(apply.Adapter{Type: "--", Port: 1}), "Invalid InvalidType")},
		"InvalidPort":     {argo(static), reasoned(applying(at(nfs, 0)), "adapter-nfs Invalid InvalidPort")},
		"InvalidProtocol": {argo(static), reasoned(applying(apply.Adapter{Type: "nfs", Port: 1, Protocol: "ICMP"}), "adapter-nfs Invalid InvalidProtocol")},
		"HostNetworkNotAllowed": {argo(static), hostNetwork,
			reasoned(applying(nfs), "adapter-nfs Blocked HostNetworkNotAllowed")},
		"TooManyPorts": {argo(manyPorts(port.MaxPorts)), reasoned(applying(nfs), "adapter-nfs Blocked TooManyPorts")},
		"Paused": {argo(static), edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/paused":"true"}}]`),
			reasoned(applying(nfs), "adapter-nfs Blocked Paused")},
		"Refused":    {argo(static), leftover, reasoned(applying(nfs, smb), "adapter-nfs Blocked Refused", "adapter-smb Owned")},
		"NotApplied": {argo(static), reasoned(failing(nfs), "adapter-nfs Blocked NotApplied")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}
