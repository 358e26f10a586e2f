package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

const adaptersInstalled = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: files, labels: {installation: %[1]s}}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: files}
  container: server
  adapters: [%[2]s]
  deletionPolicy: %[3]s
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`

// TestTheWholeLifeAsInstalled has two replicas that may do what install prints,
// and nothing else, keep the ports of a workload from its first to its last,
// and nothing that they ask for is refused.
func TestTheWholeLifeAsInstalled(t *testing.T) {
	t.Parallel()
	for name, watched := range map[string]string{"all namespaces": "", "one namespace": "the workloads'"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			system := cp.Namespace(t)
			i := newInstallation(t, cp, install.Options{Namespace: system, FieldManager: system, WatchNamespace: watched, DiscoveryNamespaces: []string{"the workloads'"}})
			// Other tests have AdapterSets in this control plane too.
			selects := []string{"--selector=installation=" + system, "--allow-loopback-pods"}
			first := i.start(selects...)
			first.WaitLog(`"leading"`)
			second := i.start(selects...)
			i.comesAndIsRenumbered()
			i.isRemoved()
			i.isAsked()
			if code := first.Terminate(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			second.WaitLog(`"leading"`)
			i.losesTheContainer()
			i.isRetained()
			i.expectEvents(system, "Lease", "LeaderElection")
			i.expectNothingRefused(first, second)
		})
	}
}

func (i *installation) declare(adapters, deletionPolicy string) {
	i.t.Helper()
	i.apply(fmt.Sprintf(adaptersInstalled, i.options.FieldManager, adapters, deletionPolicy))
}

func (i *installation) comesAndIsRenumbered() {
	i.t.Helper()
	i.apply(fmt.Sprintf(workloadOfFleet, "files"))
	i.WaitRolledOut(i.t, "StatefulSet", i.namespace, "files")
	i.declare("{type: nfs, port: 12049}", "Remove")
	i.expectFiles("adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	i.takeAway("files", "adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	i.declare("{type: nfs, port: 12050}, {type: smb, port: 1445}", "Remove")
	i.expectFiles("adapter-nfs:12050/TCP", "adapter-smb:1445/TCP")
	i.expectReady("files", "2/2")
	i.declare("{type: smb, port: 1445}", "Remove")
	i.expectFiles("adapter-smb:1445/TCP")
	i.expectReady("files", "1/1")
	i.isRenamed()
	for _, kind := range []string{"AdapterSet", "StatefulSet"} {
		i.expectEvents(i.namespace, kind, "PortAdded", "PortLost", "PortRemoved")
	}
}

// isRenamed has another manager rename a port, whose adapter then ends: the port
// stays under its new name until that manager removes it.
func (i *installation) isRenamed() {
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
	i.declare("{type: nfs, port: 12050}", "Remove")
	i.expectFiles("backup:1445/TCP", "adapter-nfs:12050/TCP")
	i.expectReady("files", "1/1")
	merge(`{"containerPort":1445,"$patch":"delete"}`)
	i.expectFiles("adapter-nfs:12050/TCP")
	i.expectReady("files", "1/1")
}

// isRemoved deletes the AdapterSet by whose policy the ports go first.
func (i *installation) isRemoved() {
	i.t.Helper()
	set, err := i.git.Get(i.t.Context(), "AdapterSet", i.namespace, "files")
	if err != nil || !slices.Contains(set.GetFinalizers(), "portside.dev/ports") {
		i.t.Errorf("finalizers %q: %v", set.GetFinalizers(), err)
	}
	i.delete("files")
	i.expectFiles()
}

// losesTheContainer has the owner rename the container by server-side apply: the
// AdapterSet that names it says so, nothing of us is left in the owner's way, and
// the ports are back when the container is.
func (i *installation) losesTheContainer() {
	i.t.Helper()
	i.declare("{type: nfs, port: 12049}", "Retain")
	i.expectFiles("adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	workload := fmt.Sprintf(workloadOfFleet, "files")
	i.applies(strings.Replace(workload, "name: server", "name: main", 1))
	testenv.Eventually(i.t, "the status of an AdapterSet whose container is gone", func(ctx context.Context) error {
		set, err := i.git.Get(ctx, "AdapterSet", i.namespace, "files")
		if err != nil {
			return err
		}
		told := fmt.Sprint(set.Object["status"])
		if condition(set, "Ready") != "False" || !strings.Contains(told, "reason:ContainerNotFound") || !strings.Contains(told, "it has main") {
			return errors.New(told)
		}
		return nil
	})
	i.expectReleased()
	i.applies(workload)
}

// applies has the owner apply what the server takes once policies are in force,
// or we have let go.
func (i *installation) applies(object string) {
	i.t.Helper()
	testenv.Eventually(i.t, "the owner to apply", func(ctx context.Context) error {
		_, err := i.git.Apply(ctx, object)
		return err
	})
}

// expectReleased waits until portside owns nothing of the workload, and returns
// it.
func (i *installation) expectReleased() (live *unstructured.Unstructured) {
	i.t.Helper()
	testenv.Eventually(i.t, "portside to let go of the ports", func(ctx context.Context) (err error) {
		if live, err = i.git.Get(ctx, "StatefulSet", i.namespace, "files"); err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == i.options.FieldManager {
				return fmt.Errorf("it owns %s", e.FieldsV1)
			}
		}
		return nil
	})
	return live
}

// isRetained deletes the AdapterSet by whose policy the ports stay, and nobody's
// pods restart.
func (i *installation) isRetained() {
	i.t.Helper()
	i.declare("{type: nfs, port: 12049}", "Retain")
	i.expectFiles("adapter-nfs:12049/TCP")
	i.expectReady("files", "1/1")
	before := i.WaitRolledOut(i.t, "StatefulSet", i.namespace, "files")
	i.delete("files")
	if live := i.expectReleased(); live.GetGeneration() != before.GetGeneration() {
		i.t.Errorf("generation %d, and %d before", live.GetGeneration(), before.GetGeneration())
	}
	i.expectFiles("adapter-nfs:12049/TCP")
}

func (i *installation) expectFiles(adapters ...string) {
	i.t.Helper()
	i.expectPorts("StatefulSet", "files", slices.Concat(staticPorts, adapters)...)
}

const asksWithCredentials = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: asked, labels: {installation: %[1]s}}
spec:
  targetRef: {apiVersion: apps/v1, kind: %[2]s, name: asked}
  discovery: {http: {port: api, scheme: HTTP, intervalSeconds: 5, timeoutSeconds: 4, credentialsRef: {name: asked}}}
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`

const askedInstalled = `
apiVersion: apps/v1
kind: %s
metadata: {name: asked}
spec:
  selector: {matchLabels: {app: asked}}
  template:
    metadata: {labels: {app: asked}}
    spec: {containers: [{name: server, image: "example.com/files:1", ports: [{name: api, containerPort: 8080, protocol: TCP}]}]}
`

// isAsked has the pods of the kinds that the other tests of a life have none of
// say which adapters they serve, to who shows the credentials of a Secret.
func (i *installation) isAsked() {
	i.t.Helper()
	i.servesAdapters()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		i.asks(kind)
		i.expectPorts(kind, "asked", "api:8080/TCP", "adapter-nfs:12049/TCP")
		i.expectReady("asked", "1/1")
		i.delete("asked")
		if err := i.git.Delete(i.t.Context(), kind, i.namespace, "asked"); err != nil {
			i.t.Fatal(err)
		}
	}
}

// asks makes a workload, and an AdapterSet that asks its pods with credentials.
func (i *installation) asks(kind string) {
	i.t.Helper()
	i.apply(fmt.Sprintf(askedInstalled, kind))
	i.WaitRolledOut(i.t, kind, i.namespace, "asked")
	i.apply(fmt.Sprintf(asksWithCredentials, i.options.FieldManager, kind))
}

// servesAdapters has the pods of the namespace answer who shows the credentials of
// a Secret there.
func (i *installation) servesAdapters() {
	i.t.Helper()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/api/v1/auth/login":
			_, _ = io.WriteString(w, `{"access_token":"good","refresh_token":"again","expires_in":900}`)
		case r.Header.Get("Authorization") == "Bearer good":
			_, _ = io.WriteString(w, `[{"type":"nfs","port":12049,"enabled":true,"running":true}]`)
		default:
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}
	})
	i.t.Cleanup(i.ServePods(i.namespace, testenv.PodServer{Port: 8080, Handler: func(*corev1.Pod) http.Handler { return answer }}))
	i.apply(`{apiVersion: v1, kind: Secret, metadata: {name: asked, labels: {portside.dev/credentials: "true"}}, stringData: {username: portside, password: pass}}`)
}
