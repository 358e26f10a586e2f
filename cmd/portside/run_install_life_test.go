package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestInstalledLife runs two replicas that have the permissions that install prints
// and no others. They manage the ports of a workload from the first to the last,
// and no request of theirs is refused.
func TestInstalledLife(t *testing.T) {
	t.Parallel()
	for name, watched := range map[string]string{"all namespaces": "", "one namespace": "the workloads'"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			system := cp.Namespace(t)
			i := newInstallation(t, cp, install.Options{Namespace: system, FieldManager: system, WatchNamespace: watched, DiscoveryNamespaces: []string{"the workloads'"}})
			// Other tests have AdapterSets in this control plane too.
			args := []string{"--selector=installation=" + system, "--allow-loopback-pods"}
			first := i.start(args...)
			first.WaitLog(`"leading"`)
			second := i.start(args...)
			i.addsAndRenumbers()
			i.removesOnDeletion()
			i.discovers()
			if code := first.Terminate(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			second.WaitLog(`"leading"`)
			i.losesTheContainer()
			i.retainsOnDeletion()
			i.expectEvents(system, "Lease", "LeaderElection")
			i.expectNothingRefused(first, second)
		})
	}
}

// declare applies the AdapterSet of the workload files.
func (i *installation) declare(deletionPolicy string, adapters ...string) {
	i.t.Helper()
	i.apply(setOf("StatefulSet", "files", fixture.Adapters(adapters...), i.selected(),
		fixture.Spec("container: server"), fixture.Spec("deletionPolicy: "+deletionPolicy)))
}

// selected labels an AdapterSet for the replicas of this installation.
func (i *installation) selected() fixture.Option {
	return fixture.Metadata("labels: {installation: " + i.FieldManager + "}")
}

func (i *installation) addsAndRenumbers() {
	i.t.Helper()
	i.apply(staticWorkload("files"))
	i.WaitRolledOut(i.t, "StatefulSet", i.namespace, "files")
	i.declare("Remove", "nfs:12049")
	i.expectFiles("adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	i.removeByHand("files", "adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	i.declare("Remove", "nfs:12050", "smb:1445")
	i.expectFiles("adapter-nfs:12050/TCP", "adapter-smb:1445/TCP")
	i.expectReady("files", "2/2")
	i.declare("Remove", "smb:1445")
	i.expectFiles("adapter-smb:1445/TCP")
	i.expectReady("files", "1/1")
	i.keepsARenamedPort()
	for _, kind := range []string{"AdapterSet", "StatefulSet"} {
		i.expectEvents(i.namespace, kind, "PortAdded", "PortLost", "PortRemoved")
	}
}

// keepsARenamedPort renames a port by another manager and then ends its adapter:
// the port stays under its new name until that manager removes it.
func (i *installation) keepsARenamedPort() {
	i.t.Helper()
	merge := func(port string) {
		i.t.Helper()
		patch := `{"spec":{"template":{"spec":{"containers":[{"name":"server","ports":[` + port + `]}]}}}}`
		if _, err := i.Manager(testenv.KubectlEdit).In(i.namespace).Patch(
			i.t.Context(), "StatefulSet", "", "files", types.StrategicMergePatchType, []byte(patch)); err != nil {
			i.t.Fatal(err)
		}
	}
	merge(`{"containerPort":1445,"name":"backup"}`)
	i.declare("Remove", "nfs:12050")
	i.expectFiles("backup:1445/TCP", "adapter-nfs:12050/TCP")
	i.expectReady("files", "1/1")
	merge(`{"containerPort":1445,"$patch":"delete"}`)
	i.expectFiles("adapter-nfs:12050/TCP")
	i.expectReady("files", "1/1")
}

// removesOnDeletion deletes an AdapterSet whose policy removes the ports first.
func (i *installation) removesOnDeletion() {
	i.t.Helper()
	set, err := i.git.Get(i.t.Context(), "AdapterSet", i.namespace, "files")
	if err != nil || !slices.Contains(set.GetFinalizers(), "portside.dev/ports") {
		i.t.Errorf("finalizers %q: %v", set.GetFinalizers(), err)
	}
	i.delete("files")
	i.expectFiles()
}

// losesTheContainer renames the container as its owner, by server-side apply: the
// status of the AdapterSet that names it says so, portside gives its claim up, and
// the ports are back when the container is.
func (i *installation) losesTheContainer() {
	i.t.Helper()
	i.declare("Retain", "nfs:12049")
	i.expectFiles("adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	i.waitApplied(fixture.StatefulSet("files", fixture.Container("main", staticPorts...), fixture.Spec("replicas: 1")))
	testenv.Eventually(i.t, "the status of an AdapterSet whose container is gone", func(ctx context.Context) error {
		set, err := i.git.Get(ctx, "AdapterSet", i.namespace, "files")
		if err != nil {
			return err
		}
		status := fmt.Sprint(set.Object["status"])
		if fixture.Condition(set, "Ready").Status != metav1.ConditionFalse || !strings.Contains(status, "reason:ContainerNotFound") || !strings.Contains(status, "it has main") {
			return errors.New(status)
		}
		return nil
	})
	i.expectReleased()
	i.waitApplied(staticWorkload("files"))
}

// waitApplied applies an object as its owner until the server accepts it: once
// policies are in force, or portside has given its claim up.
func (i *installation) waitApplied(object any) {
	i.t.Helper()
	testenv.Eventually(i.t, "the owner to apply", func(ctx context.Context) error {
		_, err := i.git.Apply(ctx, object)
		return err
	})
}

// expectReleased waits until portside owns nothing of the workload, and returns
// the workload.
func (i *installation) expectReleased() (live *unstructured.Unstructured) {
	i.t.Helper()
	testenv.Eventually(i.t, "portside to release the ports", func(ctx context.Context) (err error) {
		if live, err = i.git.Get(ctx, "StatefulSet", i.namespace, "files"); err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == i.FieldManager {
				return fmt.Errorf("it owns %s", e.FieldsV1)
			}
		}
		return nil
	})
	return live
}

// retainsOnDeletion deletes an AdapterSet whose policy retains the ports. No pod
// restarts.
func (i *installation) retainsOnDeletion() {
	i.t.Helper()
	i.declare("Retain", "nfs:12049")
	i.expectFiles("adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	before := i.WaitRolledOut(i.t, "StatefulSet", i.namespace, "files")
	i.delete("files")
	if live := i.expectReleased(); live.GetGeneration() != before.GetGeneration() {
		i.t.Errorf("generation %d, want %d as before", live.GetGeneration(), before.GetGeneration())
	}
	i.expectFiles("adapter-nfs:12049/TCP")
}

func (i *installation) expectFiles(adapters ...string) {
	i.t.Helper()
	i.expectPorts("StatefulSet", "files", slices.Concat(staticPorts, adapters)...)
}

// discovers asks the pods of the kinds that the other parts have none of, with the
// credentials of a Secret.
func (i *installation) discovers() {
	i.t.Helper()
	i.serveAdapters()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		i.discover(kind)
		i.expectPorts(kind, "asked", "api:8080/TCP", "adapter-nfs:12049/TCP")
		i.expectReady("asked", "1/1")
		i.delete("asked")
		i.git.MustDelete(i.t, kind, i.namespace, "asked")
	}
}

// discover applies a workload and an AdapterSet with discovery and credentials.
func (i *installation) discover(kind string) {
	i.t.Helper()
	i.apply(fixture.Workload(kind, "asked", fixture.Container("server", "api:8080/TCP")))
	i.WaitRolledOut(i.t, kind, i.namespace, "asked")
	i.apply(setOf(kind, "asked", i.selected(),
		fixture.Discovery("port: api, scheme: HTTP, intervalSeconds: 5, timeoutSeconds: 4, credentialsRef: {name: asked}, loginPath: /api/v1/auth/login")))
}

// serveAdapters serves nfs in the pods of the namespace to clients that log in, and
// applies the Secret with the credentials.
func (i *installation) serveAdapters() {
	i.t.Helper()
	server, err := dittofs.New(dittofs.Options{Username: "portside", Password: "pass"})
	if err != nil {
		i.t.Fatal(err)
	}
	server.Answer(dittofs.Adapters("nfs:12049"))
	i.t.Cleanup(i.ServePods(i.namespace, server.PodServer()))
	i.apply(server.Secret("asked"))
}
