package workload_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/apply/workload"
)

func TestSelector(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		selector *metav1.LabelSelector
		want     string
	}{
		"none":   {nil, ""},
		"empty":  {&metav1.LabelSelector{}, ""},
		"labels": {&metav1.LabelSelector{MatchLabels: map[string]string{"app": "dittofs", "tier": ""}}, "app=dittofs,tier="},
		"expressions": {&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: []string{"dittofs", "smb"}},
			{Key: "canary", Operator: metav1.LabelSelectorOpDoesNotExist},
			{Key: "example.com/tier", Operator: metav1.LabelSelectorOpNotIn, Values: []string{""}},
		}}, "app in (dittofs,smb),!canary,example.com/tier notin ()"},
		"one that cannot be read": {&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, w := range []*workload.Workload{
				read(t, &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Selector: c.selector}}),
				read(t, &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Selector: c.selector}}),
				read(t, &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Selector: c.selector}}),
			} {
				if w.Selector != c.want || trimmed(t, w).Selector != c.want {
					t.Errorf("%s: %q, trimmed %q; want %q", w.Kind, w.Selector, trimmed(t, w).Selector, c.want)
				}
			}
			parsed, err := labels.Parse(c.want)
			if err != nil || parsed.String() != c.want {
				t.Errorf("it is parsed as %q: %v", parsed, err)
			}
		})
	}
}
