package install_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// renamed returns the workload after its owner renamed the container.
func renamed(kind workload.Kind) string {
	return strings.Replace(declared(kind, static), "- {name: dittofs, image", "- {name: server, image", 1)
}

// removed returns the workload after its owner removed the container.
func removed(kind workload.Kind) string {
	return strings.Join(slices.DeleteFunc(strings.SplitAfter(declared(kind, static), "\n"), func(line string) bool {
		return strings.Contains(line, "- {name: dittofs, image")
	}), "")
}

// TestOwnersRenameAndRemoveContainers: server-side apply without the leftover
// policy would refuse both or keep the container.
func TestOwnersRenameAndRemoveContainers(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	for _, kind := range workload.Kinds() {
		for name, test := range map[string]struct {
			now        func(workload.Kind) string
			containers []string
		}{
			"renamed": {renamed, []string{"server", "sidecar"}},
			"removed": {removed, []string{"sidecar"}},
		} {
			for _, image := range []string{"", "dittofs:2"} {
				i.mustApply(i.argo(), declared(kind, static))
				i.reconcile(kind, nfs)
				if image != "" {
					i.kubectl("", "set", "image", "-n", i.workloads, kind.Kind+"/dittofs", "dittofs="+image)
				}
				dry := i.live(kind)
				if _, err := i.Kubectl(t.Context(), i.workloads, test.now(kind), "apply", "--server-side", "--field-manager="+testenv.ArgoCD, "--dry-run=server", "-f", "-"); err != nil {
					t.Errorf("%s: %s, image set to %q: dry run: %v", kind, name, image, err)
				}
				if i.live(kind).GetResourceVersion() != dry.GetResourceVersion() {
					t.Errorf("%s: a dry run changed the workload", kind)
				}
				live, err := i.argo().Apply(t.Context(), test.now(kind))
				if err != nil {
					t.Errorf("%s: %s, image set to %q: %v", kind, name, image, err)
					continue
				}
				if got := testenv.Containers(live); !slices.Equal(got, test.containers) {
					t.Errorf("%s: %s, image set to %q: containers %q", kind, name, image, got)
				}
				i.expectGivenUp(kind, i.target(kind), test.containers)
				if name == "renamed" {
					if _, err := i.applier().Apply(t.Context(), i.target(kind), apply.Desired{Container: "server", Adapters: []apply.Adapter{nfs}}); err != nil {
						t.Error(err)
					}
					i.expectPorts(kind, "server", "api:8080/TCP", ":2049/TCP", "adapter-nfs:12049/TCP")
				}
				i.argo().MustDelete(t, kind.Kind, "", dittofs)
			}
		}
	}
}

// expectGivenUp reconciles twice against a container that was removed. Each result says
// so and lists the existing containers. After the first nothing of ours is left, no
// pod restarts, and the second writes nothing.
func (i *installation) expectGivenUp(kind workload.Kind, to workload.Target, containers []string) {
	i.t.Helper()
	missing := i.live(kind)
	i.expectNotFound(kind, to, containers)
	after := i.live(kind)
	if owns(after, i.manager) {
		i.t.Errorf("%s: portside still has an entry: %v", kind, after.GetManagedFields())
	}
	if got := testenv.Containers(after); after.GetGeneration() != missing.GetGeneration() || !slices.Equal(got, containers) {
		i.t.Errorf("%s: generation %d, and %d before; containers %q", kind, after.GetGeneration(), missing.GetGeneration(), got)
	}
	i.expectNotFound(kind, to, containers)
	if again := i.live(kind).GetResourceVersion(); again != after.GetResourceVersion() {
		i.t.Errorf("%s: the second reconciliation wrote", kind)
	}
}

func (i *installation) expectNotFound(kind workload.Kind, to workload.Target, containers []string) {
	i.t.Helper()
	result, err := i.applier().Apply(i.t.Context(), to, apply.Desired{Container: dittofs, Adapters: []apply.Adapter{nfs}})
	want := fmt.Sprintf("%s %s/%s: container %q not found; it has %s", kind, i.workloads, dittofs, dittofs, strings.Join(containers, ", "))
	if result.Outcome != apply.ContainerNotFound || !workload.IsContainerNotFound(err) || err.Error() != want {
		i.t.Errorf("%s: reconciling against the missing container: %s: %v\nwant %s", kind, result.Outcome, err, want)
	}
}

func owns(live *unstructured.Unstructured, manager string) bool {
	return slices.ContainsFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == manager })
}

// TestContainerComesBack: a container comes back under its old name without a
// conflict with portside.
func TestContainerComesBack(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	for _, kind := range workload.Kinds() {
		i.mustApply(i.argo(), declared(kind, static))
		i.reconcile(kind, nfs)
		i.mustApply(i.argo(), renamed(kind))
		if !owns(i.live(kind), i.manager) {
			t.Errorf("%s: portside had no entry to give up", kind)
		}
		i.expectGivenUp(kind, i.target(kind), []string{"server", "sidecar"})
		i.mustApply(i.argo(), declared(kind, static))
		i.reconcile(kind, nfs)
		i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-nfs:12049/TCP")
	}
}

// TestContainerRemovedDuringApply: the apply under way would create the container
// again, without an image. The server refuses it, no policy drops it from the
// request as for the owner, and the result says that the container is missing.
func TestContainerRemovedDuringApply(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	for _, kind := range workload.Kinds() {
		for name, test := range map[string]struct {
			now        string
			containers []string
			had        []apply.Adapter
		}{
			"renamed":                      {renamed(kind), []string{"server", "sidecar"}, nil},
			"renamed, with a port of ours": {renamed(kind), []string{"server", "sidecar"}, []apply.Adapter{smb}},
			"removed, with a port of ours": {removed(kind), []string{"sidecar"}, []apply.Adapter{smb}},
		} {
			i.mustApply(i.argo(), declared(kind, static))
			if len(test.had) > 0 {
				i.reconcile(kind, test.had...)
			}
			during, firstAnswer := i.duringAnApply(kind, test.now)
			during.expectNotFound(kind, i.target(kind), test.containers)
			if code := firstAnswer(); code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %s: the apply was answered with %d", kind, name, code)
			}
			if live := i.live(kind); owns(live, i.manager) || !slices.Equal(testenv.Containers(live), test.containers) {
				t.Errorf("%s: %s: containers %q, entries %v", kind, name, testenv.Containers(live), live.GetManagedFields())
			}
			i.argo().MustDelete(t, kind.Kind, "", dittofs)
		}
	}
}

// duringAnApply has the owner apply during portside's first apply. answer returns
// the status of the server's answer to that.
func (i *installation) duringAnApply(kind workload.Kind, object string) (during *installation, answer func() int) {
	i.t.Helper()
	isApply := testenv.Is(testenv.VerbApply, resourceOf(kind).Resource)
	var once sync.Once
	var code atomic.Int32
	proxy := i.Proxy(i.t, i.config, testenv.ProxyHooks{
		OnRequest: func(r *http.Request) {
			if isApply(r) {
				once.Do(func() {
					if _, err := i.argo().Apply(r.Context(), object); err != nil {
						i.t.Errorf("%s: %v", kind, err)
					}
				})
			}
		},
		OnAnswer: func(answer *http.Response) error {
			if isApply(answer.Request) {
				code.CompareAndSwap(0, int32(answer.StatusCode)) //nolint:gosec // G115: three digits.
			}
			return nil
		},
	})
	through := *i
	through.config = proxy.Config()
	return &through, func() int { return int(code.Load()) }
}

// TestLeftoverHidesNoMistake expects that the server still refuses what it refused
// without the policy for another reason.
func TestLeftoverHidesNoMistake(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	kind := workload.StatefulSet
	i.mustApply(i.argo(), declared(kind, static))
	i.reconcile(kind, nfs)
	for name, object := range map[string]string{
		"a forgotten image":         strings.Replace(declared(kind, static), `image: "dittofs:1", `, "", 1),
		"a container with no image": declared(kind, static) + "      - {name: new}\n",
	} {
		if _, err := i.argo().Apply(t.Context(), object); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "image: Required value") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An owner whose last field except for the ports another manager takes still
	// owns the container.
	i.mustApply(i.argo(), strings.Replace(declared(kind, static), "env: [{name: MODE, value: fast}], ", "", 1))
	i.kubectl("", "set", "image", "-n", i.workloads, "StatefulSet/dittofs", "dittofs=dittofs:2")
	if got := testenv.Containers(i.live(kind)); !slices.Equal(got, []string{"dittofs", "sidecar"}) {
		t.Errorf("containers %q after another image was set", got)
	}
	// An owner that only loses its entry has released nothing.
	managed := slices.DeleteFunc(i.live(kind).GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == testenv.ArgoCD })
	_, err := i.Manager(testenv.KubectlEdit).In(i.workloads).Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) { o.SetManagedFields(managed) })
	if err != nil {
		t.Fatal(err)
	}
	i.mustApply(i.Manager("alice").In(i.workloads), `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: dittofs}, spec: {minReadySeconds: 3}}`)
	if got := testenv.Containers(i.live(kind)); !slices.Equal(got, []string{"dittofs", "sidecar"}) {
		t.Errorf("containers %q", got)
	}
}

// TestLeftoverRemovesSeveral removes several containers in one request.
func TestLeftoverRemovesSeveral(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	kind := workload.Deployment
	more := declared(kind, static) + "      - {name: third, image: \"third:1\"}\n      - {name: fourth, image: \"fourth:1\"}\n"
	i.mustApply(i.argo(), more)
	i.mustApply(i.Manager(i.manager).In(i.workloads), `{apiVersion: apps/v1, kind: Deployment, metadata: {name: dittofs}, spec: {template: {spec: {containers: [
	  {name: dittofs, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]},
	  {name: sidecar, ports: [{name: adapter-smb, containerPort: 1445, protocol: TCP}]}]}}}}`)
	only := strings.Join(slices.DeleteFunc(strings.SplitAfter(more, "\n"), func(line string) bool {
		return strings.Contains(line, "- {name: ") && !strings.Contains(line, "third") && !strings.Contains(line, "fourth")
	}), "")
	if got := testenv.Containers(i.mustApply(i.argo(), only)); !slices.Equal(got, []string{"third", "fourth"}) {
		t.Errorf("containers %q", got)
	}
}
