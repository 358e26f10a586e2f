package adapterset_test

import (
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

func TestAdapterSet(t *testing.T) {
	t.Parallel()
	set := &v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: "any"},
		Spec: v1alpha1.AdapterSetSpec{
			TargetRef:   v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "files"},
			Container:   "server",
			Adapters:    []v1alpha1.Adapter{{Type: "nfs", Port: 12049, Protocol: "TCP"}, {Type: "smb", Port: 1445, Protocol: "UDP"}},
			HostNetwork: v1alpha1.HostNetworkAllow,
		},
	}
	if got, want := adapterset.Target(set), (workload.Target{Kind: workload.Deployment, Namespace: "storage", Name: "files"}); got != want {
		t.Errorf("the target is %+v, want %+v", got, want)
	}
	want := []apply.Adapter{{Type: "nfs", Port: 12049, Protocol: "TCP"}, {Type: "smb", Port: 1445, Protocol: "UDP"}}
	got := adapterset.Adapters(set)
	if !slices.Equal(got, want) {
		t.Errorf("the adapters are %+v, want %+v", got, want)
	}
	if desired := adapterset.Desired(set, got); !reflect.DeepEqual(desired, apply.Desired{Container: "server", Adapters: want, AllowHostNetwork: true}) {
		t.Errorf("desired is %+v", desired)
	}
	if none := adapterset.Adapters(&v1alpha1.AdapterSet{}); none == nil || len(none) > 0 {
		t.Errorf("without adapters they are %#v", none)
	}
}
