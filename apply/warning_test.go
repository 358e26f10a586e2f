package apply_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// warns is a reconcile with these warnings, each as REASON port by manager: of Apply, of
// ApplyFrom a trimmed observation, and of the observation if it is up to date.
func warns(want []string, adapters ...apply.Adapter) testenv.Do {
	return testenv.Do{What: "a reconcile that warns", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		applier, err := applierFor(audited(cp.Config()))
		if err != nil {
			return err
		}
		desired := apply.Desired{Adapters: adapters}
		applied, err := applier.Apply(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}, desired)
		if err != nil {
			return err
		}
		observed := trimmed(applied.After, testenv.Portside)
		unchanged, _, err := upToDate(applier, observed, desired)
		if err != nil {
			return err
		}
		from, err := applyFrom(ctx, applier, observed, desired)
		if err != nil {
			return err
		}
		for what, result := range map[string]apply.Result{"a reconcile": applied, "up to date": unchanged, "a reconcile from a reduced observation": from} {
			var got []string
			for _, w := range result.Warnings {
				got = append(got, fmt.Sprintf("%s %s by %s", w.Reason, w.Port, w.Manager))
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("%s warns %q, want %q", what, got, want)
			}
		}
		return nil
	}}
}

// lastApplied writes the annotation of client-side apply as a manager.
func lastApplied(manager string) testenv.Patch {
	return edits(manager, `[{"op":"add","path":"/metadata/annotations","value":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}]`)
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	const both = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"
	addsUDP := func(manager string) testenv.Patch {
		return edits(manager, `[{"op":"add","path":"/spec/template/spec/containers/0/ports/-","value":{"name":"rpc","containerPort":12049,"protocol":"UDP"}}]`)
	}
	for name, steps := range map[string][]testenv.Step{
		"none": {argo(static), warns(nil, nfs, smb)},
		"a port of client-side apply has the number": {
			argo(static), lastApplied(clientSide), addsUDP(clientSide),
			warns([]string{"MergesByNumber adapter-nfs:12049/TCP by kubectl-client-side-apply (Update)"}, nfs, smb),
		},
		"of Argo CD's client-side apply": {
			argo(static), lastApplied(testenv.ArgoCD), addsUDP(testenv.ArgoCD),
			warns([]string{"MergesByNumber adapter-nfs:12049/TCP by argocd-controller (Update)"}, nfs),
		},
		"of Helm 3": {
			argo(static), addsUDP("helm"), warns([]string{"MergesByNumber adapter-nfs:12049/TCP by helm (Update)"}, nfs),
		},
		"another manager's port has it": {argo(static), lastApplied(clientSide), addsUDP(testenv.KubectlEdit), warns(nil, nfs)},
		"a port of server-side apply has it": {
			argo(static), lastApplied(clientSide), argo("[{name: api, containerPort: 8080}, {name: rpc, containerPort: 12049, protocol: UDP}]"), warns(nil, nfs),
		},
		"without the annotation an update is any update": {argo(static), addsUDP(testenv.ArgoCD), warns(nil, nfs)},
		"it is not wanted": {argo(static), lastApplied(clientSide), addsUDP(clientSide), warns(nil, smb)},
		"its owner applies it too": {
			argo(both), warns([]string{"CannotRenumber adapter-nfs:12049/TCP by argocd-controller (Apply)"}, nfs),
			testenv.Apply{Manager: testenv.ArgoCD, Object: declared(workload.StatefulSet, "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12050}]"),
				Force: true, Refused: testenv.Invalid("Duplicate value")},
			// The ways out.
			argo(static), warns(nil, nfs), argo(both), warns([]string{"CannotRenumber adapter-nfs:12049/TCP by argocd-controller (Apply)"}, nfs),
			warns(nil, at(nfs, 12050)), argo("[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12050}]"),
			testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12050/TCP"}},
			releasing(true).is(apply.Unchanged),
		},
		"an operator wrote it": {
			argo(static), updates(testenv.DittoFSOperator, both), warns([]string{"WritesToo adapter-nfs:12049/TCP by dittofs-operator (Update)"}, nfs),
			adopting(testenv.DittoFSOperator).is(apply.Applied, ownedNFS), warns(nil, nfs),
			// It is alive.
			updates(testenv.DittoFSOperator, static), updates(testenv.DittoFSOperator, both),
			warns([]string{"WritesToo adapter-nfs:12049/TCP by dittofs-operator (Update)"}, nfs),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}
