package adapterset_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

func TestServicePorts(t *testing.T) {
	t.Parallel()
	active := []apply.Adapter{
		{Type: "nfs", Port: 12049}, {Type: "smb", Port: 1445, Protocol: "TCP"}, {Type: "pm", Port: 10111, Protocol: "UDP", Companion: true},
	}
	discovered := v1alpha1.AdapterSetSpec{Discovery: &v1alpha1.Discovery{}}
	listed := []v1alpha1.ServicePort{
		{Companion: "pm", Port: 111}, {Adapter: "nfs", Port: 2049, NodePort: 32049, AppProtocol: "example.com/nfs"}, {Adapter: "ftp"}, {Adapter: "pm"}, {Companion: "smb"},
	}
	for name, c := range map[string]struct {
		spec    v1alpha1.AdapterSetSpec
		service v1alpha1.Service
		want    []string
	}{
		"declared": {
			service: v1alpha1.Service{Ports: listed},
			want:    []string{"pm 111/UDP -> adapter-pm @0 ", "nfs 2049/ -> adapter-nfs @32049 example.com/nfs"},
		},
		"discovered": {
			spec: discovered, service: v1alpha1.Service{Ports: listed},
			want: []string{"pm 111/UDP -> 10111 @0 ", "nfs 2049/ -> 12049 @32049 example.com/nfs"},
		},
		"without a list": {
			service: v1alpha1.Service{},
			want:    []string{"nfs 12049/ -> adapter-nfs @0 ", "smb 1445/TCP -> adapter-smb @0 "},
		},
		"declared, by number": {
			service: v1alpha1.Service{TargetPort: v1alpha1.TargetPortNumber, Ports: listed[1:2]},
			want:    []string{"nfs 2049/ -> 12049 @32049 example.com/nfs"},
		},
		"discovered, by name": {
			spec: discovered, service: v1alpha1.Service{TargetPort: v1alpha1.TargetPortName, Ports: listed[1:2]},
			want: []string{"nfs 2049/ -> adapter-nfs @32049 example.com/nfs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range adapterset.ServicePorts(&v1alpha1.AdapterSet{Spec: c.spec}, &c.service, active) {
				got = append(got, fmt.Sprintf("%s %d/%s -> %s @%d %s", p.Type, p.Port, p.Protocol, p.TargetPort.String(), p.NodePort, p.AppProtocol))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
}

func TestCheckListed(t *testing.T) {
	t.Parallel()
	discovered, listed := &v1alpha1.Discovery{}, []v1alpha1.ServicePort{{Adapter: "nfs"}}
	for name, c := range map[string]struct {
		discovery *v1alpha1.Discovery
		ports     []v1alpha1.ServicePort
		typ       corev1.ServiceType
		refused   bool
	}{
		"discovered, NodePort":             {discovered, nil, corev1.ServiceTypeNodePort, true},
		"discovered, LoadBalancer":         {discovered, nil, corev1.ServiceTypeLoadBalancer, true},
		"discovered, ClusterIP":            {discovered, nil, corev1.ServiceTypeClusterIP, false},
		"discovered and listed, NodePort":  {discovered, listed, corev1.ServiceTypeNodePort, false},
		"declared, without list, NodePort": {nil, nil, corev1.ServiceTypeNodePort, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &v1alpha1.AdapterSet{Spec: v1alpha1.AdapterSetSpec{Discovery: c.discovery}}
			err := adapterset.CheckListed(set, &v1alpha1.Service{Ports: c.ports}, &workload.Workload{Service: &workload.ServiceSpec{Type: c.typ}})
			if refused := errors.As(err, new(*adapterset.UnlistedError)); refused != c.refused || refused != (err != nil) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestKeptPorts(t *testing.T) {
	t.Parallel()
	own := []port.Port{
		{Name: "adapter-nfs", Number: 2049, Protocol: "TCP", TargetPort: intstr.FromInt32(12049), NodePort: 32049},
		{Name: "adapter-smb", Number: 445, Protocol: "TCP", TargetPort: intstr.FromString("adapter-smb"), AppProtocol: "example.com/smb"},
		{Name: "adapter-ftp", Number: 21, Protocol: "TCP"},
		{Number: 80, Protocol: "TCP"},
	}
	active, inactive := []apply.Adapter{{Type: "nfs", Port: 12050}}, []apply.Adapter{{Type: "SMB", Port: 1445}}
	kept := adapterset.KeptPorts(&v1alpha1.Service{WhenInactive: v1alpha1.WhenInactiveKeep}, active, inactive, own)
	want := []apply.ServicePort{
		{Adapter: apply.Adapter{Type: "SMB", Port: 445, Protocol: "TCP"}, TargetPort: intstr.FromString("adapter-smb"), AppProtocol: "example.com/smb"},
		{Adapter: apply.Adapter{Type: "ftp", Port: 21, Protocol: "TCP"}},
	}
	if !slices.Equal(kept, want) {
		t.Errorf("Keep: %+v, not %+v", kept, want)
	}
	if removed := adapterset.KeptPorts(&v1alpha1.Service{WhenInactive: v1alpha1.WhenInactiveRemove}, active, inactive, own); removed != nil {
		t.Errorf("Remove: %+v", removed)
	}
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	own := []port.Port{{Name: "adapter-nfs", Number: 2049}, {Name: "adapter-smb", Number: 445}}
	if got := adapterset.Leaving(own, []port.Port{{Name: "adapter-nfs", Number: 2050}}); !slices.Equal(got, []string{"adapter-smb"}) {
		t.Errorf("%q", got)
	}
}
