package adapterset_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
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
