package argocd_test

import (
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/v3/common"
	argolua "github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// healthChecks returns the health checks of the example, read as Argo CD reads its
// settings.
func healthChecks(t *testing.T) health.HealthOverride {
	t.Helper()
	configMap := &corev1.ConfigMap{}
	example(t, "argocd/argocd-cm.yaml", configMap)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: common.ArgoCDSecretName, Namespace: configMap.Namespace, Labels: configMap.Labels,
	}}
	manager := settings.NewSettingsManager(t.Context(), fake.NewClientset(configMap, secret), configMap.Namespace)
	overrides, err := manager.GetResourceOverrides()
	compat.Must(t, err)
	return argolua.ResourceHealthOverrides(overrides)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	checks := healthChecks(t)
	is := func(status metav1.ConditionStatus) func(string) metav1.Condition {
		return func(of string) metav1.Condition {
			return metav1.Condition{Type: of, Status: status, Reason: "Because", Message: "of " + of}
		}
	}
	yes, no, unknown := is(metav1.ConditionTrue), is(metav1.ConditionFalse), is(metav1.ConditionUnknown)
	for name, test := range map[string]struct {
		observed   int64
		suspend    bool
		conditions []metav1.Condition
		want       health.HealthStatusCode
		message    string
	}{
		"no status yet":                   {want: health.HealthStatusProgressing, message: "portside has not observed this generation yet"},
		"ready, of an older generation":   {2, false, []metav1.Condition{yes("Ready")}, health.HealthStatusProgressing, "portside has not observed this generation yet"},
		"stalled, of an older generation": {2, false, []metav1.Condition{yes("Stalled")}, health.HealthStatusProgressing, "portside has not observed this generation yet"},
		"observed, no conditions":         {3, false, nil, health.HealthStatusProgressing, "portside has not reported yet whether it is ready"},
		"ready":                           {3, false, []metav1.Condition{yes("Discovered"), yes("Ready")}, health.HealthStatusHealthy, "of Ready"},
		"ready, other conditions false":   {3, false, []metav1.Condition{no("Stalled"), no("Reconciling"), yes("Ready")}, health.HealthStatusHealthy, "of Ready"},
		"ready, while pods do not answer": {3, false, []metav1.Condition{yes("Ready"), no("Discovered")}, health.HealthStatusHealthy, "of Discovered"},
		"reconciling":                     {3, false, []metav1.Condition{no("Ready"), yes("Reconciling")}, health.HealthStatusProgressing, "of Reconciling"},
		"reconciling, and still ready":    {3, false, []metav1.Condition{yes("Ready"), yes("Reconciling")}, health.HealthStatusProgressing, "of Reconciling"},
		"stalled":                         {3, false, []metav1.Condition{no("Ready"), yes("Stalled")}, health.HealthStatusDegraded, "of Stalled"},
		"stalled while reconciling":       {3, false, []metav1.Condition{yes("Reconciling"), yes("Stalled")}, health.HealthStatusDegraded, "of Stalled"},
		"no discovery yet":                {3, false, []metav1.Condition{no("Ready"), no("Discovered")}, health.HealthStatusProgressing, "of Discovered"},
		"not ready":                       {3, false, []metav1.Condition{no("Ready"), yes("Discovered")}, health.HealthStatusDegraded, "of Ready"},
		"ready is unknown":                {3, false, []metav1.Condition{unknown("Ready")}, health.HealthStatusProgressing, "portside has not reported yet whether it is ready"},
		"suspended":                       {3, true, []metav1.Condition{yes("Ready")}, health.HealthStatusSuspended, "spec.suspend is true"},
		"suspended, not observed":         {0, true, nil, health.HealthStatusSuspended, "spec.suspend is true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &v1alpha1.AdapterSet{
				TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "AdapterSet"},
				ObjectMeta: metav1.ObjectMeta{Name: "dittofs", Namespace: "storage", Generation: 3},
				Status:     v1alpha1.AdapterSetStatus{ObservedGeneration: test.observed, Conditions: test.conditions},
			}
			set.Spec.Suspend = test.suspend
			object, err := testenv.Object(set)
			compat.Must(t, err)
			got, err := health.GetResourceHealth(object, checks)
			compat.Must(t, err)
			if got == nil {
				t.Fatal("Argo CD has no health check for AdapterSets")
			}
			if got.Status != test.want || got.Message != test.message {
				t.Errorf("%s: %q, want %s: %q", got.Status, got.Message, test.want, test.message)
			}
		})
	}
}
