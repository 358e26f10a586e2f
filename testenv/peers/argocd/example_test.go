package argocd_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestExamplesSync deploys the StatefulSet of examples/dittofs by the Applications
// of the examples.
func TestExamplesSync(t *testing.T) {
	t.Parallel()
	manifest, err := os.ReadFile(filepath.Join(examples, "dittofs/statefulset.yaml"))
	compat.Must(t, err)
	for _, path := range []string{clientSideExample, serverSideExample} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			definition := application(t, path)
			workload, err := testenv.Object(manifest)
			compat.Must(t, err)
			if got := definition.Spec.Destination.Namespace; got != workload.GetNamespace() {
				t.Errorf("the Application deploys to %s, but the workload is in %s", got, workload.GetNamespace())
			}
			s := compat.NewSite(t, testenv.Shared(t))
			workload.SetNamespace(s.Namespace)
			text, err := workload.MarshalJSON()
			compat.Must(t, err)
			d, err := deploy(s, definition, string(text))
			compat.Must(t, err)
			compat.Must(t, d.sync())
			adapters := []apply.Adapter{compat.Adapter("nfs", 12049), compat.Adapter("smb", 1445)}
			result := s.Reconcile(adapters...)
			if compat.State(result, "nfs") != "Owned" || compat.State(result, "smb") != "Owned" {
				t.Errorf("the adapters are %v", result.Ports)
			}
			before := s.Live()
			expectSynced(t, d, "with our ports")
			compat.Must(t, d.sync())
			s.Reconcile(adapters...)
			if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
				t.Errorf("the second sync changed the template: %q", compat.Ports(after))
			}
		})
	}
}

// TestExamplesIgnoreNothing expects no ignoreDifferences in the examples, since the
// other tests show that none is needed.
func TestExamplesIgnoreNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{clientSideExample, serverSideExample} {
		app := application(t, path)
		if app.Kind != "Application" || app.APIVersion != v1alpha1.SchemeGroupVersion.String() {
			t.Errorf("%s is a %s of %s", path, app.Kind, app.APIVersion)
		}
		if len(app.Spec.IgnoreDifferences) > 0 || app.Spec.SyncPolicy.SyncOptions.HasOption(respectIgnored) {
			t.Errorf("%s ignores differences", path)
		}
		if !app.Spec.SyncPolicy.Automated.GetSelfHeal() {
			t.Errorf("%s does not heal itself", path)
		}
	}
}
