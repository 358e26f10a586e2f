package apply_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
)

// TestForbidden: after a refusal that names no port the workload is read again, the apply
// is retried once, and the refusal is reported.
func TestForbidden(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	story(argo(static), wanting(smb).is(apply.Applied, ownedSMB)).RunIn(t, cp, namespace)
	for _, object := range []string{`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [apps], resources: [statefulsets], verbs: [get]}]`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}]`} {
		cp.Manager("testenv").In(namespace).MustApply(t, object)
	}
	user, err := cp.User("reader")
	if err != nil {
		t.Fatal(err)
	}
	var requests testenv.Requests
	applier, err := applierFor(requests.Wrap(user))
	if err != nil {
		t.Fatal(err)
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
	testenv.Eventually(t, "the role is known", func(ctx context.Context) error { _, err := applier.Get(ctx, target); return err })
	requests.Reset()

	result, err := applier.Apply(t.Context(), target, apply.Desired{Adapters: []apply.Adapter{nfs, smb}})
	if result.Outcome != apply.Failed || !apierrors.IsForbidden(err) || !apply.IsRefusal(err) {
		t.Errorf("outcome %s, error %v", result.Outcome, err)
	}
	want := []string{"adapter-nfs 12049/TCP Blocked: not written: the reconcile failed", ownedSMB}
	if got := describe(result.Ports); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("ports %q, want %q", got, want)
	}
	if gets, applies := requests.Count(testenv.VerbGet), requests.Count(testenv.VerbApply); gets != 2 || applies != 2 {
		t.Errorf("it took %s, want two observations and two applies", &requests)
	}
}

func TestUnreadableManagedFields(t *testing.T) {
	t.Parallel()
	w := read(&appsv1.StatefulSet{})
	w.Containers = []workload.Container{{Name: dittofs}}
	w.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: testenv.ArgoCD, FieldsV1: metav1.NewFieldsV1(`{"f:spec":`)}}
	if _, err := decide(pure, w, apply.Desired{}); err == nil || !strings.Contains(err.Error(), testenv.ArgoCD) {
		t.Errorf("the error is %v, want one that names the manager", err)
	}
}

// TestNotFoundOfAnotherObject: only the API server's NotFound about the workload itself is
// TargetNotFound.
func TestNotFoundOfAnotherObject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want apply.Outcome
	}{
		"the API server's":       {`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","details":{"name":"dittofs","group":"apps","kind":"statefulsets"},"code":404}`, apply.TargetNotFound},
		"one without details":    {`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`, apply.Failed},
		"of the namespace":       {`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","details":{"name":"storage","kind":"namespaces"},"code":404}`, apply.Failed},
		"a page of a web server": {`<html>not here</html>`, apply.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			applier, err := applierFor(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			target := workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: dittofs}
			result, err := applier.Apply(t.Context(), target, apply.Desired{})
			if result.Outcome != c.want || (err == nil) != (c.want == apply.TargetNotFound) {
				t.Errorf("outcome %s, error %v", result.Outcome, err)
			}
		})
	}
}

func TestFieldManagerIsValidated(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "kubectl-portside", fieldmanager.BeforeFirstApply, strings.Repeat("x", 129)} {
		if _, err := apply.New(nil, apply.WithFieldManager(name)); err == nil {
			t.Errorf("the field manager %q was taken", name)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	t.Parallel()
	result, err := newApplier(t, testenv.Shared(t)).Apply(t.Context(), workload.Target{Kind: workload.KindOf("batch/v1", "Job"), Namespace: "default", Name: "x"}, apply.Desired{})
	if result.Outcome != apply.Failed || err == nil || !strings.Contains(err.Error(), "StatefulSet") {
		t.Errorf("outcome %s, error %v", result.Outcome, err)
	}
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	rolling := func(partition int32) appsv1.StatefulSetUpdateStrategy {
		return appsv1.StatefulSetUpdateStrategy{Type: "RollingUpdate", RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition}}
	}
	for name, c := range map[string]struct {
		workload *workload.Workload
		want     int32
	}{
		"StatefulSet": {read(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3)}}), 3},
		"StatefulSet with a partition": {read(&appsv1.StatefulSet{
			Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3), UpdateStrategy: rolling(2)}}), 1},
		"StatefulSet with a partition above its replicas": {read(&appsv1.StatefulSet{
			Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3), UpdateStrategy: rolling(5)}}), 0},
		"StatefulSet OnDelete": {read(&appsv1.StatefulSet{
			Spec: appsv1.StatefulSetSpec{UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: "OnDelete"}}}), 0},
		"Deployment":        {read(&appsv1.Deployment{}), 1},
		"Deployment paused": {read(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Paused: true}}), 0},
		"DaemonSet":         {read(&appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 4}}), 4},
		"DaemonSet OnDelete": {read(&appsv1.DaemonSet{
			Spec:   appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: "OnDelete"}},
			Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 4}}), 0},
	} {
		if c.workload.Restarts != c.want {
			t.Errorf("%s: a change restarts %d pods, want %d", name, c.workload.Restarts, c.want)
		}
	}
}
