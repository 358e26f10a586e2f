package install_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// Writes of portside itself: applies that add, move and rename a port, an apply
// without a port, and the guarded patch that removes a last port.
var (
	nfsAlone  = applied(`{containers: [{name: dittofs, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}`)
	adding    = applied(`{containers: [{name: dittofs, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP}]}]}`)
	removing  = write{patch: types.ApplyPatchType, data: `{apiVersion: apps/v1, kind: {kind}, metadata: {name: dittofs}}`}
	patching  = jsonPatch(`[{"op":"test","path":"{c}/ports/2/name","value":"adapter-nfs"},{"op":"remove","path":"{c}/ports/2"}]`)
	moving    = applied(`{containers: [{name: dittofs, ports: [{name: adapter-nfs, containerPort: 12050, protocol: TCP}]}]}`)
	renaming  = applied(`{containers: [{name: dittofs, ports: [{name: adapter-smb, containerPort: 12049, protocol: TCP}]}]}`)
	inSidecar = applied(`{containers: [{name: sidecar, ports: [{name: adapter-web, containerPort: 8080, protocol: TCP}]}]}`)
)

// annotate sets an annotation of the workload as its owner.
func (i *installation) annotate(kind workload.Kind, annotation, value string) {
	i.t.Helper()
	_, err := i.Manager("owner").In(i.workloads).Patch(i.t.Context(), kind.Kind, "", dittofs, types.MergePatchType,
		[]byte(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, annotation, value)))
	if err != nil {
		i.t.Fatal(err)
	}
}

// expectRefused sends requests as portside, which the guard must refuse for this
// reason without storing anything.
func (i *installation) expectRefused(kind workload.Kind, why string, writes map[string]write) {
	i.t.Helper()
	before := i.live(kind).GetResourceVersion()
	for name, w := range writes {
		err := i.tries(i.t.Context(), kind, w)
		if refusal := portside.RefusedBy(err, i.guardOf(kind)); refusal != nil {
			i.t.Errorf("%s: %s: %v", kind, name, refusal)
		} else if !strings.Contains(err.Error(), why) {
			i.t.Errorf("%s: %s: refused for another reason than %q: %v", kind, name, why, err)
		}
	}
	if after := i.live(kind).GetResourceVersion(); after != before {
		i.t.Errorf("%s: the object changed", kind)
	}
}

// expectAllowed sends requests as portside one after the other, each on the
// workload with the port nfs. It calls before ahead of each.
func (i *installation) expectAllowed(kind workload.Kind, before func(), writes map[string]write) {
	i.t.Helper()
	for name, w := range writes {
		before()
		if err := i.tries(i.t.Context(), kind, w); err != nil {
			i.t.Errorf("%s: %s: %v", kind, name, err)
		}
	}
}

func TestGuardRefusesPausedWorkloads(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.Kinds()...)
	for _, kind := range workload.Kinds() {
		i.annotate(kind, workload.PausedAnnotation, "true")
		i.expectRefused(kind, "the annotation portside.dev/paused pauses", map[string]write{
			"a new port": adding, "another number": moving, "another name": renaming, "no ports": removing, "no ports, by a patch": patching,
		})
		i.annotate(kind, workload.PausedAnnotation, "false")
		i.expectAllowed(kind, func() {}, map[string]write{"a new port on a workload that is not paused": adding})
	}
}

// onTheNode returns the workload with hostNetwork.
func onTheNode(kind workload.Kind) string {
	return strings.Replace(declared(kind, static), "    spec:\n", "    spec:\n      hostNetwork: true\n", 1)
}

func TestGuardRefusesNewPortsWithHostNetwork(t *testing.T) {
	t.Parallel()
	const allow = "portside.dev/allow-host-network"
	i := robbed(t)
	for _, kind := range workload.Kinds() {
		withPort := func(annotation string) func() {
			return func() {
				i.mustApply(i.argo(), onTheNode(kind))
				i.annotate(kind, allow, "true")
				if err := i.tries(t.Context(), kind, nfsAlone); err != nil {
					t.Fatal(err)
				}
				i.annotate(kind, allow, annotation)
			}
		}
		for _, annotation := range []string{"", "false", "True"} {
			withPort(annotation)()
			i.expectRefused(kind, "portside.dev/allow-host-network", map[string]write{"a new port": adding, "another number": moving, "the number of another container's port": inSidecar})
			i.expectAllowed(kind, withPort(annotation), map[string]write{"another name": renaming, "no ports": removing, "no ports, by a patch": patching})
		}
		i.expectAllowed(kind, withPort("true"), map[string]write{"a new port where the owner allows it": adding, "another number where the owner allows it": moving})
	}
}

// TestGuardRefusesExcludedNamespaces expects that the guard refuses writes in an
// excluded namespace, rather than being off there.
func TestGuardRefusesExcludedNamespaces(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.Kinds()...)
	i.options.ExcludeNamespaces = []string{"kube-system", i.workloads}
	i.apply(i.manifests())
	for _, kind := range workload.Kinds() {
		testenv.Eventually(t, "the namespace to be excluded", func(ctx context.Context) error {
			return portside.RefusedBy(i.tries(ctx, kind, adding), i.manager+"-guard'")
		})
		i.expectRefused(kind, "namespace that the installation excludes", map[string]write{
			"a new port": adding, "no ports": removing, "no ports, by a patch": patching, "the image": forbidden["the image"],
		})
	}
}

// TestGuardExcludesKubeSystem expects that kube-system is excluded by default.
func TestGuardExcludesKubeSystem(t *testing.T) {
	t.Parallel()
	i := robbed(t)
	live := object(t, named(i.workloads, declared(workload.Deployment, static)))
	live.SetNamespace("kube-system")
	admin := dynamicClient(t, i.Config()).Resource(resourceOf(workload.Deployment)).Namespace("kube-system")
	if _, err := admin.Create(t.Context(), live, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(t.Context()), i.workloads, metav1.DeleteOptions{}) })
	to := workload.Target{Kind: workload.Deployment, Namespace: "kube-system", Name: i.workloads}
	_, err := i.applier().Apply(t.Context(), to, apply.Desired{Container: dittofs, Adapters: []apply.Adapter{nfs}})
	if err == nil || !strings.Contains(err.Error(), "namespace that the installation excludes") {
		t.Errorf("not refused: %v", err)
	}
}

// many returns ports adapter-t<number> from a first number.
func many(first, count int) string {
	var ports []string
	for n := range count {
		ports = append(ports, fmt.Sprintf("{name: adapter-t%d, containerPort: %d, protocol: TCP}", first+n, first+n))
	}
	return strings.Join(ports, ", ")
}

// TestGuardLimitsAdapterPorts allows at most 64 adapter ports in a container, by
// any manager. Ports can be released from a container that has more.
func TestGuardLimitsAdapterPorts(t *testing.T) {
	t.Parallel()
	i := robbed(t)
	kind := workload.DaemonSet
	ports := func(first, count int) write {
		return applied(`{containers: [{name: dittofs, ports: [` + many(first, count) + `]}]}`)
	}
	i.mustApply(i.argo(), declared(kind, "["+many(1, 4)+"]"))
	i.expectAllowed(kind, func() {}, map[string]write{"60 with 4": ports(101, 60)})
	i.expectRefused(kind, "at most 64 adapter-* ports", map[string]write{
		"61 with 4":           ports(101, 61),
		"one more by a patch": jsonPatch(`[{"op":"add","path":"{c}/ports/-","value":{"name":"adapter-x","containerPort":9}}]`),
	})
	i.mustApply(i.argo(), declared(kind, "["+many(1, 10)+"]"))
	i.expectRefused(kind, "at most 64 adapter-* ports", map[string]write{"61 with 10": ports(101, 61)})
	i.expectAllowed(kind, func() {}, map[string]write{"58 with 10, of 60": ports(101, 58)})
}

// TestGuardCost expects that the guard's expressions stay within the server's cost
// limit: beyond it the guard would refuse portside's own writes.
func TestGuardCost(t *testing.T) {
	t.Parallel()
	i := robbed(t)
	for _, kind := range workload.Kinds() {
		static := strings.ReplaceAll(many(20001, 100), "adapter-", "")
		workload := declared(kind, "["+static+"]")
		for n := range 10 {
			workload += fmt.Sprintf("      - {name: c%d, image: x, ports: [%s]}\n", n, static)
		}
		i.mustApply(i.argo(), workload)
		i.annotate(kind, "note", strings.Repeat("x", 100_000))
		for _, first := range []int{101, 1001} {
			if err := i.tries(t.Context(), kind, applied(`{containers: [{name: dittofs, ports: [`+many(first, 64)+`]}]}`)); err != nil {
				t.Errorf("%s: 64 ports in a large workload: %v", kind, err)
			}
		}
		if err := i.tries(t.Context(), kind, removing); err != nil {
			t.Errorf("%s: no ports in a large workload: %v", kind, err)
		}
	}
}
