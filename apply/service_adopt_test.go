package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestService_Adopt moves the ports of a former operator to us, and nothing else changes.
func TestService_Adopt(t *testing.T) {
	t.Parallel()
	operator := testenv.Update{Manager: testenv.DittoFSOperator, Mutate: func(u *unstructured.Unstructured) {
		testenv.SetPorts(u, "", "[{name: api, port: 8080, protocol: TCP, targetPort: 8080}, {name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]")
	}}
	serviceStory(
		by(testenv.ArgoCD, serviceOf(nodePorts, staticPorts)), operator,
		exposing(nfsPort).is(apply.Applied, "adapter-nfs 2049/TCP->12049 Shared dittofs-operator/Update portside/Apply: also declared by dittofs-operator (Update)"),
		keepingNodePorts("api adapter-nfs", adopting(testenv.DittoFSOperator).of(workload.Service).is(apply.Applied, ownedNFSPort)),
		testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"2049/TCP": {usApply}, "2049/TCP.targetPort": {usApply}}},
		adopting(testenv.DittoFSOperator).of(workload.Service).is(apply.Unchanged),
		exposing(nfsPort).is(apply.Unchanged, ownedNFSPort),
		releasing(true).of(workload.Service).is(apply.Applied, "adapter-nfs 2049/TCP->12049 Released"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->12049"}, Owners: map[string][]string{"2049/TCP": {}}},
	).Run(t, testenv.Shared(t))
}

// TestService_Adopt_Field moves the target port that a user edited to us.
func TestService_Adopt_Field(t *testing.T) {
	t.Parallel()
	const retargeted = `[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`
	taken := "adapter-nfs 2049/TCP->9999 Owned portside/Apply: targetPort is 9999 instead of 12049, declared by kubectl-edit (Update)"
	serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
		edits(testenv.KubectlEdit, retargeted), exposing(nfsPort).is(apply.Unchanged, taken),
		adopting("other").of(workload.Service).is(apply.Unchanged),
		adopting(testenv.KubectlEdit).of(workload.Service).is(apply.Applied, "adapter-nfs 2049/TCP->9999 Owned portside/Apply"),
		testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"2049/TCP.targetPort": {usApply}}},
		exposing(nfsPort).costing("GET 1, APPLY 1").is(apply.Applied, ownedNFSPort),
	).Run(t, testenv.Shared(t))
}

// TestService_EmptyList adopts an empty list that another manager owns.
func TestService_EmptyList(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	serviceStory(
		by(testenv.ArgoCD, serviceOf(headless, "[]")), updates("op", "[{name: api, port: 8080, protocol: TCP, targetPort: 8080}]"),
		by("third", sharesService("[{name: adapter-nfs, port: 2049}]")), edits("op", `[{"op":"remove","path":"/spec/ports/0"}]`),
		by("third", `{apiVersion: v1, kind: Service, metadata: {name: dittofs}}`),
		testenv.Expect{Ports: []string{}, Owners: map[string][]string{"": {"op/Update"}}},
	).RunIn(t, cp, namespace)
	_, err := newApplier(t, cp).Apply(t.Context(), serviceTarget(namespace), desiredPorts(nfsPort))
	var empty *apply.EmptyListError
	if !errors.As(err, &empty) || empty.Cause() != "the Service has no ports, and op (Update) owns the empty list" {
		t.Errorf("the error is %v", err)
	}
	serviceStory(adopting("op").of(workload.Service).is(apply.Applied), exposing(nfsPort).is(apply.Applied, ownedNFSPort)).RunIn(t, cp, namespace)
}

// TestService_Warnings warns of other managers' ways of writing a Service.
func TestService_Warnings(t *testing.T) {
	t.Parallel()
	warns := func(do func(context.Context, *apply.Applier, workload.Target) (apply.Result, error), want ...string) testenv.Do {
		return testenv.Do{What: "a reconcile that warns", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			result, err := do(ctx, newApplier(t, cp), serviceTarget(namespace))
			var got []string
			for _, w := range result.Warnings {
				got = append(got, fmt.Sprintf("%s %s by %s", w.Reason, w.Port, w.Manager))
				if strings.Contains(w.Message, "pods") || strings.Contains(w.Message, "workload") {
					return fmt.Errorf("a warning about a Service: %s", w.Message)
				}
			}
			if err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("warnings %q, want %q: %w", got, want, err)
			}
			return nil
		}}
	}
	warned := func(want ...string) testenv.Do {
		return warns(func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
			return a.Apply(ctx, t, desiredPorts(nfsPort))
		}, want...)
	}
	applyClientSide := func(ports string) testenv.Do {
		return testenv.Do{What: "kubectl apply", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			_, err := cp.Kubectl(ctx, namespace, serviceOf("", ports), "apply", "--filename=-")
			return err
		}}
	}
	replace := testenv.Do{What: "kubectl replace", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		_, err := cp.Kubectl(ctx, namespace, serviceOf("", staticPorts), "replace", "--filename=-")
		return err
	}}
	for name, steps := range map[string][]testenv.Step{
		"none": {argoService(staticPorts), warned()},
		"MergesByNumber": {applyClientSide("[{name: api, port: 8080}, {name: rpc, port: 2049, protocol: UDP}]"),
			warned("MergesByNumber adapter-nfs:2049/TCP by kubectl-client-side-apply (Update)")},
		"InLastApplied": {applyClientSide("[{name: api, port: 8080}, {name: adapter-nfs, port: 2049, targetPort: 12049}]"),
			warns(func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
				return a.Adopt(ctx, t, "", []string{testenv.KubectlClientSideApply})
			}, "InLastApplied adapter-nfs:2049/TCP by kubectl-client-side-apply (Update)")},
		"CannotRenumber": {argoService("[{name: adapter-nfs, port: 2049}]"), warned("CannotRenumber adapter-nfs:2049/TCP by argocd-controller (Apply)")},
		"WritesToo": {argoService(staticPorts), edits(testenv.DittoFSOperator, `[{"op":"add","path":"/spec/ports/-","value":{"name":"adapter-nfs","port":2049}}]`),
			warned("WritesToo adapter-nfs:2049/TCP by dittofs-operator (Update)")},
		"ReplacesAll": {testenv.Do{What: "create", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			_, err := cp.Manager("git").In(namespace).Create(ctx, serviceOf("", staticPorts))
			return err
		}}, replace, edits("other", `[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]`), warned(),
			testenv.Update{Manager: testenv.KubectlReplace, Mutate: func(u *unstructured.Unstructured) {
				_ = unstructured.SetNestedStringMap(u.Object, map[string]string{"app": "files"}, "spec", "selector")
			}}, warned("ReplacesAll adapter-nfs:2049/TCP by kubectl-replace (Update)")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serviceStory(steps...).Run(t, testenv.Shared(t))
		})
	}
}
