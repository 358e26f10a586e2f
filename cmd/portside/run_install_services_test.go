package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestInstalledServices runs portside with the permissions and policies that install prints
// with --services. It manages the ports of a Service from the first to the last, the node
// port stays while the port does, and no request is refused.
func TestInstalledServices(t *testing.T) {
	t.Parallel()
	for name, watched := range map[string]string{"all namespaces": "", "one namespace": "the workloads'"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			system := cp.Namespace(t)
			i := newInstallation(t, cp, install.Options{Namespace: system, FieldManager: system, WatchNamespace: watched, Services: true})
			i.apply(staticWorkload("files"))
			i.applyService()
			i.WaitRolledOut(t, "StatefulSet", i.namespace, "files")
			i.WaitGuard(t, "Service", i.namespace, "files")
			service := i.start("--selector=installation=" + system)

			i.exposes("{adapter: nfs, port: 2049}", "nfs:12049")
			i.expectService("adapter-nfs:2049/TCP->adapter-nfs")
			i.expectFiles("adapter-nfs:12049/TCP")
			i.expectReady("files", "2/2")
			number := i.nodePort("adapter-nfs")

			i.exposes("{adapter: nfs, port: 2050}, {adapter: smb, port: 445}", "nfs:12049", "smb:1445")
			i.expectService("adapter-nfs:2050/TCP->adapter-nfs", "adapter-smb:445/TCP->adapter-smb")
			i.expectReady("files", "4/4")
			if again := i.nodePort("adapter-nfs"); again != number || number == 0 {
				t.Errorf("the node port is %d, not %d", again, number)
			}

			i.exposes("{adapter: nfs, port: 2050}, {adapter: smb, port: 445}", "smb:1445")
			i.expectService("adapter-smb:445/TCP->adapter-smb")
			i.expectFiles("adapter-smb:1445/TCP")
			i.expectReady("files", "2/2")

			// Another manager changes a port of ours, which keeps it.
			if _, err := i.Manager(testenv.KubectlEdit).In(i.namespace).Patch(t.Context(), "Service", "", "files", types.StrategicMergePatchType,
				[]byte(`{"spec":{"ports":[{"port":445,"protocol":"TCP","name":"backup"}]}}`)); err != nil {
				t.Fatal(err)
			}
			i.exposes("{adapter: nfs, port: 2049}", "nfs:12049")
			i.expectServiceHas("adapter-nfs:2049/TCP->adapter-nfs")

			i.delete("files")
			i.expectServiceReleased()
			i.expectFiles()
			i.expectNothingRefused(service)
		})
	}
}

// applyService has Git apply the Service of files.
func (i *installation) applyService() {
	i.t.Helper()
	i.apply(`{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {type: NodePort, selector: {app: files},
	  ports: [{name: api, port: 80, targetPort: 8080, protocol: TCP}]}}`)
}

// exposes applies an AdapterSet with these ports of the Service and these adapters.
func (i *installation) exposes(ports string, adapters ...string) {
	i.t.Helper()
	i.apply(setOf("StatefulSet", "files", fixture.Adapters(adapters...), i.selected(), fixture.Spec("container: server"),
		fixture.Spec("deletionPolicy: Remove"), fixture.Spec("services: [{name: files, ports: ["+ports+"]}]")))
}

// expectService waits until the Service has the port that Git declares and these, in any
// order.
func (i *installation) expectService(ports ...string) {
	i.t.Helper()
	i.expectPorts("Service", "files", slices.Concat([]string{"api:80/TCP->8080"}, ports)...)
}

// expectServiceHas waits until the Service has a port.
func (i *installation) expectServiceHas(port string) {
	i.t.Helper()
	testenv.Eventually(i.t, port+" in the Service", func(ctx context.Context) error {
		live, err := i.git.Get(ctx, "Service", i.namespace, "files")
		if err == nil && !slices.Contains(testenv.Ports(live, ""), port) {
			return fmt.Errorf("ports %q", testenv.Ports(live, ""))
		}
		return err
	})
}

// expectServiceReleased waits until portside owns nothing of the Service.
func (i *installation) expectServiceReleased() {
	i.t.Helper()
	testenv.Eventually(i.t, "portside to release the Service", func(ctx context.Context) error {
		live, err := i.git.Get(ctx, "Service", i.namespace, "files")
		if err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == i.FieldManager && e.Operation == "Apply" {
				return errors.New(e.FieldsV1.String())
			}
		}
		return nil
	})
}

// nodePort returns the node port of a port of the Service.
func (i *installation) nodePort(name string) int64 {
	i.t.Helper()
	return testenv.NodePorts(i.git.MustGet(i.t, "Service", i.namespace, "files"))[name]
}
