package argocd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	syncommon "github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/v3/controller"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const examples = "../../../examples"

// maxSteps is how often a sync may be resumed before it must be done.
const maxSteps = 20

var errNotDone = errors.New("the sync does not end")

// example decodes an example strictly, as an API server does: unknown fields,
// duplicate fields and other case are errors.
func example(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, path))
	if err != nil {
		t.Fatal(err)
	}
	document, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if strict, err := json.UnmarshalStrict(document, into); err != nil || len(strict) > 0 {
		t.Fatalf("%s: %v", path, errors.Join(append(strict, err)...))
	}
}

// application returns an example's Application.
func application(t testing.TB, path string) *v1alpha1.Application {
	t.Helper()
	app := &v1alpha1.Application{}
	example(t, path, app)
	return app
}

// deployment is an application at a site with the manifests in Git.
type deployment struct {
	*argoCD
	app       *v1alpha1.Application
	project   *v1alpha1.AppProject
	manifests []string
}

// deploy creates an application for a site. It replaces only the name and the
// destination of the definition.
func deploy(s *compat.Site, definition *v1alpha1.Application, manifests ...string) (*deployment, error) {
	c := argoCDOn(s, s.ControlPlane)
	app := definition.DeepCopy()
	app.Name, app.Namespace = s.Namespace, home
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: c.cluster.Server, Namespace: s.Namespace}
	_, err := c.applied.ArgoprojV1alpha1().Applications(home).Create(s.Context(), app, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	d := &deployment{argoCD: c, app: app, project: &v1alpha1.AppProject{
		ObjectMeta: metav1.ObjectMeta{Name: app.Spec.Project, Namespace: home},
		Spec: v1alpha1.AppProjectSpec{
			SourceRepos:  []string{"*"},
			Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
		},
	}}
	for _, manifest := range manifests {
		object, err := testenv.Object(manifest)
		if err != nil {
			return nil, err
		}
		text, err := object.MarshalJSON()
		if err != nil {
			return nil, err
		}
		d.manifests = append(d.manifests, string(text))
	}
	return d, nil
}

// compare returns the sync status that Argo CD shows. If it cannot compare, the
// error is what it shows instead.
func (d *deployment) compare() (v1alpha1.SyncStatusCode, error) {
	app, source := d.app.DeepCopy(), d.app.Spec.GetSource()
	result, err := d.manager.CompareAppState(app, d.project, []string{source.TargetRevision},
		[]v1alpha1.ApplicationSource{source}, true, true, d.manifests, false)
	if err != nil {
		return v1alpha1.SyncStatusCodeUnknown, fmt.Errorf("Application %s: %w", d.app.Name, err)
	}
	if len(app.Status.Conditions) > 0 {
		var messages []string
		for _, condition := range app.Status.Conditions {
			messages = append(messages, condition.Message)
		}
		err = fmt.Errorf("Application %s: %s", d.app.Name, strings.Join(messages, "; "))
	}
	return result.GetSyncStatus().Status, err
}

// sync syncs the cluster with Git. The error is what Argo CD shows of a failed
// sync: the message of the operation and those of the resources.
func (d *deployment) sync() error {
	app, policy := d.app.DeepCopy(), d.app.Spec.SyncPolicy
	state := controller.NewOperationState(v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{
		Revision: app.Spec.GetSource().TargetRevision, Manifests: d.manifests,
		SyncOptions: policy.SyncOptions, Prune: policy.Automated.GetPrune(),
	}})
	for range maxSteps {
		if d.manager.SyncAppState(app, d.project, state); state.Phase.Completed() {
			return d.outcome(state)
		}
	}
	return fmt.Errorf("Application %s: %w: %s", d.app.Name, errNotDone, state.Message)
}

func (d *deployment) outcome(state *v1alpha1.OperationState) error {
	if state.Phase == syncommon.OperationSucceeded {
		return nil
	}
	messages := []string{string(state.Phase) + ": " + state.Message}
	if state.SyncResult != nil {
		for _, r := range state.SyncResult.Resources {
			messages = append(messages, fmt.Sprintf("%s/%s: %s", r.Kind, r.Name, r.Message))
		}
	}
	return fmt.Errorf("Application %s: %s", d.app.Name, strings.Join(messages, "; "))
}

// selfHeal does what the controller does when an application with
// automated.selfHeal changes: it syncs only if the status is OutOfSync.
func (d *deployment) selfHeal() (synced bool, err error) {
	status, err := d.compare()
	if err != nil || status != v1alpha1.SyncStatusCodeOutOfSync || !d.app.Spec.SyncPolicy.Automated.GetSelfHeal() {
		return false, err
	}
	return true, d.sync()
}

// syncs returns the sync of a commit by an application.
func syncs(definition *v1alpha1.Application) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		d, err := deploy(s, definition, c.Manifest())
		if err != nil {
			return err
		}
		return d.sync()
	}
}

// compares returns the comparison of a commit by an application.
func compares(definition *v1alpha1.Application) func(*compat.Site, compat.Commit) (bool, error) {
	return func(s *compat.Site, c compat.Commit) (bool, error) {
		d, err := deploy(s, definition, c.Manifest())
		if err != nil {
			return false, err
		}
		status, err := d.compare()
		return status == v1alpha1.SyncStatusCodeSynced, err
	}
}
