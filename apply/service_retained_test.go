package apply_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// TestService_LastPort removes our last port where the API server takes a Service without
// ports, and retains it elsewhere.
func TestService_LastPort(t *testing.T) {
	t.Parallel()
	drop := func(spec string) testenv.Step {
		return testenv.Steps{by(testenv.ArgoCD, serviceOf(spec, "[]")), testenv.Expect{Ports: []string{"adapter-smb:445/TCP->1445", "adapter-nfs:2049/TCP->12049"}}}
	}
	for name, spec := range map[string]string{"ClusterIP": "", "NodePort": nodePorts, "LoadBalancer": balanced} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			retained := "adapter-smb 445/TCP->1445 Retained portside/Apply: a Service cannot be without a port; it is removed once another manager declares one"
			serviceStory(
				by(testenv.ArgoCD, serviceOf(spec, staticPorts)), exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort),
				drop(spec),
				exposing().costing("GET 1, APPLY 1").is(apply.Applied, retained, "adapter-nfs 2049/TCP->12049 Removed"),
				exposing().costing("GET 1, APPLY 1").is(apply.Unchanged, retained),
				testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"adapter-smb:445/TCP->1445"}},
				// Another adapter takes its place.
				exposing(nfsPort).is(apply.Applied, ownedNFSPort, "adapter-smb 445/TCP->1445 Removed"),
				exposing().is(apply.Unchanged, "adapter-nfs 2049/TCP->12049 Retained portside/Apply: a Service cannot be without a port; it is removed once another manager declares one"),
				by(testenv.ArgoCD, serviceOf(spec, staticPorts)),
				exposing().costing("GET 1, APPLY 1").is(apply.Applied, "adapter-nfs 2049/TCP->12049 Removed"),
				testenv.Expect{Ports: []string{"api:8080/TCP->8080"}},
				exposing().costing("GET 1, APPLY 0").is(apply.Unchanged),
			).Run(t, testenv.Shared(t))
		})
	}
	for name, spec := range map[string]string{"headless": headless, "ExternalName": ", type: ExternalName, externalName: files.example.com"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serviceStory(
				by(testenv.ArgoCD, serviceOf(spec, staticPorts)), exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort),
				drop(spec),
				exposing().costing("GET 1, APPLY 1").is(apply.Applied, "adapter-smb 445/TCP->1445 Removed", "adapter-nfs 2049/TCP->12049 Removed"),
				testenv.Expect{Ports: []string{}},
				exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			).Run(t, testenv.Shared(t))
		})
	}
}

// TestService_LastPort_Named retains the last port also where a user gave it its name, and
// a dry run shows that.
func TestService_LastPort_Named(t *testing.T) {
	t.Parallel()
	retained := "adapter-smb 445/TCP->1445 Retained portside/Apply: a Service cannot be without a port; it is removed once another manager declares one"
	serviceStory(
		argoService(staticPorts), exposing(exposed("nfs", 445, 1445)).is(apply.Applied, "adapter-nfs 445/TCP->1445 Owned portside/Apply"),
		argoService("[]"), edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/ports/0/name","value":"adapter-smb"}]`),
		exposing(smbPort, nfsPort).is(apply.Applied, ownedSMBPort, ownedNFSPort),
		testenv.Expect{Owners: map[string][]string{"445/TCP.name": {editUpdate, usApply}}},
		exposing().foreseeing("adapter-smb:445/TCP->1445 nodePort=0").is(apply.Applied, retained, "adapter-nfs 2049/TCP->12049 Removed"),
		exposing().is(apply.Applied, retained, "adapter-nfs 2049/TCP->12049 Removed"),
		exposing().is(apply.Unchanged, retained),
	).Run(t, testenv.Shared(t))
}

// TestService_LastPort_Release gives the last port up and leaves it without an owner.
func TestService_LastPort_Release(t *testing.T) {
	t.Parallel()
	serviceStory(
		argoService(staticPorts), exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort), argoService("[]"),
		releasing(false).of(serviceKind).is(apply.Applied,
			"adapter-smb 445/TCP->1445 Released: it stays, without an owner: the Service cannot be without a port",
			"adapter-nfs 2049/TCP->12049 Removed"),
		testenv.Expect{Ports: []string{"adapter-smb:445/TCP->1445"}, Owners: map[string][]string{"445/TCP": {}}},
		releasing(false).of(serviceKind).is(apply.Unchanged),
		exposing(smbPort).is(apply.Applied, ownedSMBPort),
	).Run(t, testenv.Shared(t))
}

// TestService_UnnamedPort blocks all of our ports next to a static port without a name,
// until its owner names it.
func TestService_UnnamedPort(t *testing.T) {
	t.Parallel()
	why := "Blocked: port 8080/TCP of argocd-controller (Apply) has no name, and a Service with several ports needs a name for each; name port 8080/TCP in argocd-controller's manifest"
	serviceStory(
		argoService("[{port: 8080}]"),
		exposing(nfsPort, smbPort).costing("GET 1, APPLY 0").is(apply.Unchanged, "adapter-nfs 2049/TCP->12049 "+why, "adapter-smb 445/TCP->1445 "+why),
		// Its own key is Shadowed.
		exposing(on(nfsPort, 8080), smbPort).costing("GET 1, APPLY 0").is(apply.Unchanged,
			"adapter-nfs 8080/TCP->8080 Shadowed argocd-controller/Apply: 8080/TCP is declared by argocd-controller (Apply) without a name", "adapter-smb 445/TCP->1445 "+why),
		testenv.Expect{Ports: []string{":8080/TCP->8080"}},
		argoService(staticPorts),
		exposing(nfsPort, smbPort).costing("GET 1, APPLY 1").is(apply.Applied, ownedNFSPort, ownedSMBPort),
		// From now on the server refuses to have the name removed.
		testenv.Apply{Manager: testenv.ArgoCD, Object: serviceOf("", "[{port: 8080}]"), Force: true, Refused: testenv.Invalid("spec.ports[0].name: Required value")},
	).Run(t, testenv.Shared(t))
}

// TestService_UnnamedPort_Renumbered renumbers no adapter port whose name stays on a port
// that another manager declares without one: it is Blocked at once, and not by a refusal at
// every reconcile.
func TestService_UnnamedPort_Renumbered(t *testing.T) {
	t.Parallel()
	blocked := "adapter-nfs 2050/TCP->12049 Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 2049/TCP; rename port 2049/TCP in argocd-controller's manifest"
	retained := "adapter-nfs 2049/TCP->2049 Retained argocd-controller/Apply portside/Apply: 2049/TCP is declared by argocd-controller (Apply) without a name, so ours stays on it: a Service with several ports needs a name for each; name port 2049/TCP in argocd-controller's manifest"
	serviceStory(
		argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
		argoService("[{name: api, port: 8080}, {port: 2049}]"),
		exposing(on(nfsPort, 2050)).costing("GET 1, APPLY 1").is(apply.Applied, blocked, retained),
		exposing(on(nfsPort, 2050)).costing("GET 1, APPLY 1").is(apply.Unchanged, blocked, retained),
		testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->2049"}},
	).Run(t, testenv.Shared(t))
}

// TestService_UnnamedPort_MeanwhileAdded reports a port without a name that came between
// the read and the write, of which the server's refusal names another port's index.
func TestService_UnnamedPort_MeanwhileAdded(t *testing.T) {
	t.Parallel()
	serviceStory(
		by(testenv.ArgoCD, serviceOf(headless, "[]")),
		exposing(nfsPort).after(doing(by(testenv.ArgoCD, serviceOf(headless, "[{port: 8080}]")))).costing("GET 2, APPLY 1").is(apply.Unchanged,
			"adapter-nfs 2049/TCP->12049 Blocked: port 8080/TCP of argocd-controller (Apply) has no name, and a Service with several ports needs a name for each; name port 8080/TCP in argocd-controller's manifest"),
	).Run(t, testenv.Shared(t))
}

// TestService_Pruning keeps static ports that no manager owns, and leaves no empty list to
// the manager that created it.
func TestService_Pruning(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]testenv.Do{
		"apply":   exposing().is(apply.Applied, "adapter-smb 445/TCP->1445 Removed"),
		"release": releasing(false).of(serviceKind).is(apply.Applied, "adapter-smb 445/TCP->1445 Removed"),
	} {
		for kind, spec := range map[string]string{"headless": headless, "ClusterIP": ""} {
			t.Run("unowned ports stay/"+kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				serviceStory(
					by(testenv.ArgoCD, serviceOf(spec, "[{name: nfs, port: 2049}]")), exposing(smbPort).is(apply.Applied, ownedSMBPort),
					testenv.Disown{Manager: testenv.ArgoCD}, testenv.Expect{Owners: map[string][]string{"2049/TCP": {}}},
					end, testenv.Expect{Ports: []string{"nfs:2049/TCP->2049"}},
					exposing().is(apply.Unchanged),
				).Run(t, testenv.Shared(t))
			})
		}
		t.Run("the selector stays/"+name, func(t *testing.T) {
			t.Parallel()
			serviceStory(
				by(testenv.ArgoCD, serviceOf(headless, "[]")), exposing(smbPort).is(apply.Applied, ownedSMBPort), testenv.Disown{Manager: testenv.ArgoCD},
				end, testenv.Expect{Ports: []string{}}, hasSelector(),
			).Run(t, testenv.Shared(t))
		})
		t.Run("no empty list/"+name, func(t *testing.T) {
			t.Parallel()
			serviceStory(
				by(testenv.ArgoCD, serviceOf(headless, "[]")), updates("op", "[{name: api, port: 8080, protocol: TCP, targetPort: 8080}]"),
				exposing(smbPort).is(apply.Applied, ownedSMBPort),
				edits("op", `[{"op":"remove","path":"/spec/ports/0"}]`), testenv.Expect{Owners: map[string][]string{"": {"op/Update"}}},
				end, testenv.Expect{Ports: []string{}, Owners: map[string][]string{"": {}}},
				exposing(smbPort).is(apply.Applied, ownedSMBPort),
			).Run(t, testenv.Shared(t))
		})
	}
}

// hasSelector is a step that checks that the Service still selects its pods.
func hasSelector() testenv.Do {
	return testenv.Do{What: "the selector", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		live, err := cp.Manager("testenv").Get(ctx, "Service", namespace, dittofs)
		if err != nil {
			return err
		}
		if selector, _, _ := unstructured.NestedStringMap(live.Object, "spec", "selector"); selector["app"] != dittofs {
			return fmt.Errorf("the selector is %v", selector)
		}
		return nil
	}}
}
