package controller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// TestAPortThatAnotherNamedIsTheirs: its adapter ends, and the port is handed to
// who gave it another name, at once: nothing goes, so there is nothing to wait
// for.
func TestAPortThatAnotherNamedIsTheirs(t *testing.T) {
	t.Parallel()
	const owner = "kubectl-client-side-apply"
	s := newScene(t)
	late := func(adapters string) string {
		return strings.Replace(adapterSet(adapters, ""), "removalDelaySeconds: 0", "removalDelaySeconds: 300", 1)
	}
	s.setUp(t, strategy(1, "{type: OnDelete}"), late(withNFSSMB), nfsSMB...)
	web := append(slices.Clone(static), "adapter-smb:1445/TCP", "web:12049/TCP")
	if _, err := s.cp.Manager(owner).Patch(t.Context(), "StatefulSet", s.ns, "files", types.StrategicMergePatchType,
		[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"server","ports":[{"containerPort":12049,"name":"web"}]}]}}}}`)); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "Stalled", "True", "Conflicting")
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	mustApply(t, s.git, late("[{type: smb, port: 1445}]"))
	testenv.Eventually(t, "the port is its owner's alone", func(ctx context.Context) error {
		live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
		if err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == testenv.Portside && strings.Contains(e.FieldsV1.GetRawString(), "12049") {
				return errors.New("we own it still: " + e.FieldsV1.GetRawString())
			}
		}
		return nil
	})
	expectReady(t, s.cp, s.ns, "True", "InPlace", "1/1")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.rests(t)
	expectPorts(t, s.cp, s.ns, web...)
	templateChanges(t, history, 0)
}
