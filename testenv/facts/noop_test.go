package facts_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

func TestFact01_ReapplyChangesNothing(t *testing.T) {
	t.Parallel()
	t.Run("of an unchanged configuration", reapplyUnchanged)
	t.Run("but of an atomic list with defaults", reapplyDefaultedList)
}

func reapplyUnchanged(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	scenario(declare(static), contribute(shared(extras))).RunIn(t, cp, ns)
	events := watchFromNow(t, cp, ns)

	scenario(
		contribute(shared(extras)), testenv.Expect{Change: testenv.NothingChanged},
		declare(static), testenv.Expect{Change: testenv.NothingChanged},
		nextSecond(),
		contribute(shared(extras)), testenv.Expect{Change: testenv.NothingChanged},
		declare(static), testenv.Expect{Change: testenv.NothingChanged},
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

// reapplyDefaultedList tests the exception. A manager whose configuration has an
// atomic list that the server fills with defaults, such as volumeClaimTemplates, moves
// the time of its entry when it re-applies after another manager wrote. Entries are
// sorted by time, so resourceVersion changes once; no field does.
func reapplyDefaultedList(t *testing.T) {
	t.Parallel()
	withClaims := testenv.Apply{Manager: owner, Object: declared(static) + `
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`}
	scenario(
		withClaims, nextSecond(), contribute(shared(extras)), nextSecond(),
		withClaims, testenv.Expect{Change: testenv.MetadataChanged},
		nextSecond(), withClaims, testenv.Expect{Change: testenv.NothingChanged},
		// The contributor's configuration has no such list: its re-apply is a no-op.
		nextSecond(), contribute(shared(extras)), testenv.Expect{Change: testenv.NothingChanged},
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
