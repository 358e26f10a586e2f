package testenv_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// The tests named TestFactNN pin behavior of the API server that portside relies
// on, one fact each, with the numbers of the design. If a Kubernetes release
// changes a fact, the name of the test shows which.

const dittofs = "dittofs"

// The owners in these tests.
const (
	portsideApply = testenv.Portside + "/Apply"
	argoApply     = testenv.ArgoCD + "/Apply"
	backupApply   = backup + "/Apply"
	editUpdate    = testenv.KubectlEdit + "/Update"
	legacyUpdate  = testenv.DittoFSOperator + "/Update"
)

// backup is a second manager that applies adapter ports as portside does.
const backup = "backup-portside"

// declared returns the StatefulSet as the owner of the static ports declares it,
// with a YAML list of ports.
func declared(ports string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dittofs}
spec:
  serviceName: dittofs
  selector: {matchLabels: {app: dittofs}}
  template:
    metadata: {labels: {app: dittofs}}
    spec:
      containers:
      - name: dittofs
        image: dittofs:1
        ports: %s
`, ports)
}

// shared returns what a manager applies that owns the container's key and ports in
// it.
func shared(ports string) string { return body("", "{name: dittofs, ports: "+ports+"}") }

// body returns an apply of one container of the StatefulSet. more goes into
// metadata.
func body(more, container string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dittofs%s}
spec: {template: {spec: {containers: [%s]}}}
`, more, container)
}

const metadataOnly = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dittofs}
`

const (
	static     = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 2049}]"
	adapterNFS = "[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]"
	adapters   = "[{name: adapter-nfs, containerPort: 12049, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP}]"
)

func facts(steps ...testenv.Step) testenv.Scenario {
	return testenv.Scenario{Name: dittofs, Container: dittofs, Steps: steps}
}

func argo(ports string) testenv.Apply {
	return testenv.Apply{Manager: testenv.ArgoCD, Object: declared(ports)}
}

func us(object string) testenv.Apply {
	return testenv.Apply{Manager: testenv.Portside, Object: object}
}

func refused(apply testenv.Apply, by *testenv.Refusal) testenv.Apply {
	apply.Refused = by
	return apply
}

func forced(apply testenv.Apply) testenv.Apply {
	apply.Force = true
	return apply
}

func by(manager string, apply testenv.Apply) testenv.Apply {
	apply.Manager = manager
	return apply
}

func edit(manager string, mutate func(*unstructured.Unstructured)) testenv.Update {
	return testenv.Update{Manager: manager, Mutate: mutate}
}

// editPorts replaces the ports of the container by an Update.
func editPorts(manager, ports string) testenv.Update {
	return edit(manager, func(u *unstructured.Unstructured) { testenv.SetPorts(u, dittofs, ports) })
}

// nextSecond waits until the next second begins: managedFields record the time of a
// write in seconds.
func nextSecond() testenv.Do {
	return testenv.Do{What: "the next second", Func: func(ctx context.Context, _ *testenv.ControlPlane, _ string) error {
		now := time.Now()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(now.Truncate(time.Second).Add(time.Second))):
			return nil
		}
	}}
}

func TestFact01_ReapplyChangesNothing(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	facts(argo(static), us(shared(adapters))).RunIn(t, cp, ns)
	events := watchFromNow(t, cp, ns)

	facts(
		us(shared(adapters)), testenv.Expect{Change: testenv.NothingChanged},
		argo(static), testenv.Expect{Change: testenv.NothingChanged},
		nextSecond(),
		us(shared(adapters)), testenv.Expect{Change: testenv.NothingChanged},
		argo(static), testenv.Expect{Change: testenv.NothingChanged},
		edit("marker", func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"marker": "true"}) }),
		testenv.Expect{Change: testenv.MetadataChanged},
	).RunIn(t, cp, ns)

	// The watch delivers events in order, so the first is the marker's.
	event := <-events.ResultChan()
	object, ok := event.Object.(metav1.Object)
	if !ok || event.Type != watch.Modified || object.GetAnnotations()["marker"] == "" {
		t.Errorf("the first event after the no-op applies is %s %v, want the marker's", event.Type, event.Object)
	}
}

// TestFact01_DefaultedAtomicListsReorderManagedFields is the exception. An owner
// whose configuration has an atomic list that the server fills with defaults, such
// as volumeClaimTemplates, moves the time of its entry when it re-applies after
// another manager wrote. Entries are sorted by time, so resourceVersion changes
// once; no field does.
func TestFact01_DefaultedAtomicListsReorderManagedFields(t *testing.T) {
	t.Parallel()
	owner := testenv.Apply{Manager: testenv.ArgoCD, Object: declared(static) + `
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`}
	facts(
		owner, nextSecond(), us(shared(adapters)), nextSecond(),
		owner, testenv.Expect{Change: testenv.MetadataChanged},
		nextSecond(), owner, testenv.Expect{Change: testenv.NothingChanged},
		// Our configuration has no such list, so our re-apply is always a no-op.
		nextSecond(), us(shared(adapters)), testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

// watchFromNow watches the StatefulSets of a namespace from their present state.
func watchFromNow(t *testing.T, cp *testenv.ControlPlane, ns string) watch.Interface {
	t.Helper()
	sets := kubernetes.NewForConfigOrDie(cp.Config()).AppsV1().StatefulSets(ns)
	now, err := sets.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := sets.Watch(t.Context(), metav1.ListOptions{ResourceVersion: now.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(events.Stop)
	return events
}
