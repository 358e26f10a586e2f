package apply_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestService_Refused reports refusals at the ports that they name, and applies the
// others: conflicts hide what else the server refuses, so that there are two of them.
func TestService_Refused(t *testing.T) {
	t.Parallel()
	serviceStory(argoService(staticPorts),
		exposing(nfsPort, smbPort, ftpPort).after(doing(testenv.Apply{Manager: "git", Object: sharesService(
			"[{name: nfs, port: 2049, targetPort: 2049}, {name: adapter-smb, port: 3445}]")})).costing("GET 1, APPLY 3").is(apply.Applied,
			`adapter-nfs 2049/TCP->2049 Shadowed git/Apply: 2049/TCP is declared by git (Apply) as "nfs"`,
			"adapter-smb 445/TCP->1445 Blocked: the name adapter-smb is held by git (Apply) on 3445/TCP; rename port 3445/TCP in git's manifest",
			"adapter-ftp 21/TCP->1021 Owned portside/Apply"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "nfs:2049/TCP->2049", "adapter-smb:3445/TCP->3445", "adapter-ftp:21/TCP->1021"}},
	).Run(t, testenv.Shared(t))
}

// TestService_Refused_Value reports a value that the server does not take at its port.
func TestService_Refused_Value(t *testing.T) {
	t.Parallel()
	bad := nfsPort
	bad.AppProtocol = "not valid"
	serviceStory(argoService(staticPorts),
		exposing(bad, smbPort).refused().costing("GET 1, APPLY 2").is(apply.Applied,
			`adapter-nfs 2049/TCP->12049 Blocked: the API server does not take the appProtocol of 2049/TCP: Invalid value: "not valid": `+
				`name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
			ownedSMBPort),
	).Run(t, testenv.Shared(t))
}

// TestService_TargetPortTaken leaves the target port to a manager that sets it between
// the read and the write, or that had it before managedFields were emptied.
func TestService_TargetPortTaken(t *testing.T) {
	t.Parallel()
	t.Run("meanwhile", func(t *testing.T) {
		t.Parallel()
		retarget := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			_, err := cp.Manager(testenv.KubectlEdit).Patch(ctx, "Service", namespace, dittofs, "application/json-patch+json",
				[]byte(`[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`))
			return err
		}
		serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			exposing(exposed("nfs", 2049, 12050), smbPort).after(retarget).costing("GET 1, APPLY 2").is(apply.Applied,
				"adapter-nfs 2049/TCP->9999 Owned portside/Apply: targetPort is 9999 instead of 12050, declared by kubectl-edit (Update)", ownedSMBPort),
		).Run(t, testenv.Shared(t))
	})
	t.Run("before managedFields were emptied", func(t *testing.T) {
		t.Parallel()
		serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			edits("reset", `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`),
			exposing(exposed("nfs", 2049, 12050)).refused().costing("GET 1, APPLY 2").is(apply.Applied,
				"adapter-nfs 2049/TCP->12049 Shared before-first-apply/Update portside/Apply: also declared by before-first-apply (Update); targetPort is 12049 instead of 12050, declared by before-first-apply (Update)"),
			adopting("before-first-apply").of(workload.Service).is(apply.Applied, "adapter-nfs 2049/TCP->12049 Owned portside/Apply"),
			exposing(exposed("nfs", 2049, 12050)).is(apply.Applied, "adapter-nfs 2049/TCP->12050 Owned portside/Apply"),
		).Run(t, testenv.Shared(t))
	})
}

// TestService_Invalid reports ports that no Service can have.
func TestService_Invalid(t *testing.T) {
	t.Parallel()
	named := nfsPort
	named.TargetPort = intstr.FromString("NFS!")
	serviceStory(argoService(staticPorts),
		exposing(exposed("nfs", 2049, 70000), on(smbPort, 0), ftpPort, on(exposed("tftp", 21, 21), 21)).costing("GET 1, APPLY 1").is(apply.Applied,
			"adapter-nfs 2049/TCP->70000 Invalid: target port 70000 is not within 1 to 65535",
			"adapter-smb 0/TCP->1445 Invalid: port 0 is not within 1 to 65535",
			"adapter-ftp 21/TCP->1021 Owned portside/Apply",
			`adapter-tftp 21/TCP->1021 Blocked portside/Apply: the adapter "ftp" before it has the same number and protocol`),
		exposing(named, pinned(smbPort, 70000), ftpPort).is(apply.Unchanged,
			`adapter-nfs 2049/TCP->NFS! Invalid: target port "NFS!" is no name of a container port: must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
			"adapter-smb 445/TCP->1445 Invalid: node port 70000 is not within 1 to 65535",
			"adapter-ftp 21/TCP->1021 Owned portside/Apply"),
		exposing(pinned(smbPort, 30000), ftpPort).is(apply.Unchanged,
			"adapter-smb 445/TCP->1445 Invalid: a Service of type ClusterIP has no node ports",
			"adapter-ftp 21/TCP->1021 Owned portside/Apply"),
	).Run(t, testenv.Shared(t))
}

// TestService_Misplaced refuses adapters for a Service and Service ports for a workload.
func TestService_Misplaced(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, serviceOf("", staticPorts), declared(workload.StatefulSet, static))
	for kind, c := range map[workload.Kind]struct {
		desired apply.Desired
		want    string
	}{
		workload.Service:     {apply.Desired{Adapters: []apply.Adapter{nfs}}, "a Service has no containers"},
		workload.StatefulSet: {desiredPorts(nfsPort), "a workload has no ServicePorts"},
	} {
		result, err := newApplier(t, cp).Apply(t.Context(), workload.Target{Kind: kind, Namespace: namespace, Name: dittofs}, c.desired)
		if result.Outcome != apply.Failed || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s, %v", kind, result.Outcome, err)
		}
	}
	result, err := newApplier(t, cp).Apply(t.Context(), serviceTarget(namespace), apply.Desired{Container: dittofs})
	if result.Outcome != apply.Failed || err == nil || !strings.Contains(err.Error(), `a Service has no container "dittofs"`) {
		t.Errorf("a container of a Service: %s, %v", result.Outcome, err)
	}
}

// TestService_Reasons has a case for each reason that only the port of a Service has.
func TestService_Reasons(t *testing.T) {
	t.Parallel()
	is := func(ports []apply.ServicePort, want ...string) testenv.Do {
		return reasonedOf(workload.Service, workload.ServicePorts(), func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
			return a.Apply(ctx, t, desiredPorts(ports...))
		}, want...)
	}
	nfs, taken := []apply.ServicePort{nfsPort}, freeNodePort()
	for reason, steps := range map[string][]testenv.Step{
		"FieldTaken": {argoService("[{name: adapter-nfs, port: 2049, targetPort: 2049}]"),
			is(nfs, "adapter-nfs Shared FieldTaken by argocd-controller (Apply) on adapter-nfs:2049/TCP->2049")},
		"UnnamedPort": {argoService("[{port: 8080}]"), is(nfs, "adapter-nfs Blocked UnnamedPort by argocd-controller (Apply) on :8080/TCP->8080")},
		"LastPort":    {argoService(staticPorts), is(nfs, "adapter-nfs Owned"), argoService("[]"), is(nil, "adapter-nfs Retained LastPort")},
		"NodePortTaken": {by(testenv.ArgoCD, serviceOf(nodePorts, fmt.Sprintf("[{name: api, port: 8080, nodePort: %d}]", taken))),
			is([]apply.ServicePort{pinned(nfsPort, taken)}, "adapter-nfs Blocked NodePortTaken by argocd-controller (Apply) on api:8080/TCP->8080")},
		"InvalidTargetPort": {argoService(staticPorts), is([]apply.ServicePort{exposed("nfs", 2049, -1)}, "adapter-nfs Invalid InvalidTargetPort")},
		"InvalidNodePort":   {argoService(staticPorts), is([]apply.ServicePort{pinned(nfsPort, -1)}, "adapter-nfs Invalid InvalidNodePort")},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			serviceStory(steps...).Run(t, testenv.Shared(t))
		})
	}
}
