package flux_test

import (
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestTakeOver: Flux takes over what kubectl wrote in every way, including an
// adapter port that kubectl declared, and our entry stays byte for byte.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	for _, write := range [][]string{{"apply", "--filename=-"}, {"apply", "--server-side", "--field-manager=kubectl-mine", "--filename=-"}} {
		_, err := s.Kubectl(t.Context(), s.Namespace, declaring().Manifest(), write...)
		compat.Must(t, err)
	}
	_, err := s.Manager(testenv.KubectlEdit).Update(t.Context(), compat.Kind, s.Namespace, compat.Name, func(w *unstructured.Unstructured) {
		testenv.EditContainer(w, compat.Name, func(c map[string]any) { c["image"] = "dittofs:edited" })
	})
	compat.Must(t, err)
	s.Reconcile(compat.Adapter("nfs", 12049), compat.Adapter("smb", 1445))
	before := s.Live()

	compat.Must(t, mode(t).Sync(s, compat.First()))
	after := s.Live()
	if was, is := entry(before, testenv.Portside), entry(after, testenv.Portside); was == nil || !reflect.DeepEqual(was, is) {
		t.Errorf("our entry was\n%v\nand is\n%v", was, is)
	}
	for _, e := range after.GetManagedFields() {
		if !slices.Contains([]string{testenv.Portside, testenv.Flux}, e.Manager) {
			t.Errorf("%s was not taken over", e.Manager)
		}
	}
	s.ExpectAdapters(nfs, "adapter-smb:1445/TCP")
	if result := s.Reconcile(compat.Adapter("nfs", 12049), compat.Adapter("smb", 1445)); result.Outcome != apply.Unchanged || compat.State(result, "nfs") != "Owned" {
		t.Errorf("the reconciliation after it: %s, %v", result.Outcome, result.Ports)
	}
}

// TestKubectlPrefix: portside refuses a field manager whose name begins with
// kubectl, because Flux takes the entries of such managers over and removes their
// ports.
func TestKubectlPrefix(t *testing.T) {
	t.Parallel()
	const name = "kubectl-portside"
	s := compat.NewSite(t, testenv.Shared(t))
	client, err := appsclient.NewForConfig(s.Config())
	compat.Must(t, err)
	if _, err := apply.New(workload.ClientGo(client), apply.WithFieldManager(name)); err == nil {
		t.Errorf("portside accepts the name %s", name)
	}
	compat.Must(t, mode(t).Sync(s, compat.First()))
	s.Manager(name).In(s.Namespace).MustApply(t, fixture.PortsOf(compat.Kind, compat.Name, compat.Name, nfs))
	compat.Must(t, mode(t).Sync(s, compat.First()))
	s.ExpectAdapters()
}

func entry(w *unstructured.Unstructured, manager string) *metav1.ManagedFieldsEntry {
	for _, e := range w.GetManagedFields() {
		if e.Manager == manager {
			return &e
		}
	}
	return nil
}
