package controller

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

const team = "team-overlay"

// overlaid creates a workload. team applies its replicas (of a DaemonSet
// minReadySeconds), an annotation, a label, the image and an environment variable.
func (s *scene) overlaid(t *testing.T, kind workload.Kind) {
	t.Helper()
	count := "replicas: 2"
	if kind == workload.DaemonSet {
		count = "minReadySeconds: 1"
	}
	s.git.MustApply(t, workloadOf(kind.Kind, "files"))
	if _, err := s.cp.Manager(team).In(s.ns).ForceApply(t.Context(), fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: files, annotations: {team: storage}, labels: {team: storage}}
spec:
  %s
  template: {spec: {containers: [{name: server, image: "example.com/files:2", env: [{name: MODE, value: strict}]}]}}
`, kind, count)); err != nil {
		t.Fatal(err)
	}
}

// declared returns the parts of the workload that its managers declare.
func (s *scene) declared(t *testing.T, kind workload.Kind) *unstructured.Unstructured {
	t.Helper()
	live := s.git.MustGet(t, kind.Kind, s.ns, "files")
	live.SetManagedFields(slices.DeleteFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Subresource != "" || e.Manager == "git" }))
	live.SetResourceVersion("")
	live.SetGeneration(0) // of a Deployment, an annotation raises it too
	annotations := live.GetAnnotations()
	delete(annotations, "note")
	delete(annotations, "deployment.kubernetes.io/revision")
	live.SetAnnotations(annotations)
	unstructured.RemoveNestedField(live.Object, "status")
	return live
}

// TestDedicatedFieldManager: while the service's field manager owns other fields,
// nothing is written, and that is reported.
func TestDedicatedFieldManager(t *testing.T) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(o *Options) { o.FieldManager = team })
			s.kind = kind.Kind
			s.overlaid(t, kind)
			before := s.declared(t, kind)
			s.git.MustApply(t, adapterSetOf(kind.Kind, "files", withNFS))

			const reason = "FieldManagerNotDedicated"
			want := fmt.Sprintf("%s %s/files: field manager %q already owns 6 other fields, such as .metadata.annotations.team; "+
				"an apply would remove them. Use a field manager of its own (--field-manager)", kind, s.ns, team)
			if message := s.expect(t, "Ready", "False", reason); message != want {
				t.Errorf("the message is %q, want %q", message, want)
			}
			s.expect(t, "Stalled", "True", reason)
			s.expectBothEvents(t, reason, want)

			// Further changes cost no request, and a retry is one.
			resource := strings.ToLower(kind.Kind) + "s"
			reads := s.sent.CountOf(testenv.VerbGet, resource)
			for i := range 5 {
				patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"note":"%d"}}}`, i)
				s.git.MustPatch(t, kind.Kind, s.ns, "files", types.MergePatchType, patch)
				s.catchUp(t)
			}
			if n := s.sent.CountOf(testenv.VerbGet, resource) - reads; n != 0 {
				t.Errorf("the workload was read %d times\n%s", n, &s.sent)
			}
			s.clock.Step(10 * time.Minute)
			testenv.Eventually(t, "a retry", func(context.Context) error {
				if n := s.sent.CountOf(testenv.VerbGet, resource) - reads; n != 1 {
					return fmt.Errorf("the workload was read %d times", n)
				}
				return nil
			})
			if after := s.declared(t, kind); !reflect.DeepEqual(after, before) {
				t.Errorf("the workload is\n%v\nwas\n%v", after, before)
			}
			if writes := s.sent.CountOf(testenv.VerbApply, resource) + s.sent.CountOf(testenv.VerbPatch, resource); writes != 0 {
				t.Errorf("%d writes of the workload", writes)
			}

			s.disown(t, kind, team)
			s.expect(t, "Ready", "True", "InPlace")
			if live := s.declared(t, kind); !slices.Contains(testenv.Ports(live, "server"), "adapter-nfs:12049/TCP") || live.GetAnnotations()["team"] != "storage" {
				t.Errorf("the workload is %v", live)
			}
		})
	}
}

// disown takes a manager's Apply entry out of managedFields.
func (s *scene) disown(t *testing.T, kind workload.Kind, manager string) {
	t.Helper()
	live := s.git.MustGet(t, kind.Kind, s.ns, "files")
	for i, e := range live.GetManagedFields() {
		if e.Manager != manager {
			continue
		}
		patch := fmt.Appendf(nil, `[{"op":"test","path":"/metadata/managedFields/%d/manager","value":%q},{"op":"remove","path":"/metadata/managedFields/%[1]d"}]`, i, manager)
		s.git.MustPatch(t, kind.Kind, s.ns, "files", types.JSONPatchType, patch)
		return
	}
	t.Fatalf("%s has no entry", manager)
}
