package guide_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	guide "github.com/portside-dev/portside/examples/guides/update-to-apply"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/fieldmanager/fieldmanagertest"
)

// servicePorts is the list of ports of a Service, which has two key fields.
var servicePorts = guide.KeyedList[*applycorev1.ServicePortApplyConfiguration]{
	Manager: "metrics-operator",
	At:      fieldmanager.ListAt("spec", "ports"),
	Key: func(p *applycorev1.ServicePortApplyConfiguration) fieldmanager.Key {
		return fieldmanager.KeyOf("port", *p.Port, "protocol", *p.Protocol)
	},
	Body: func(live client.Object, ports []*applycorev1.ServicePortApplyConfiguration) runtime.ApplyConfiguration {
		s := applycorev1.Service(live.GetName(), live.GetNamespace()).WithUID(live.GetUID())
		if len(ports) > 0 {
			s.WithSpec(applycorev1.ServiceSpec().WithPorts(ports...))
		}
		return s
	},
}

// TestKeyedList_OfAService keeps a port of a Service by the code that keeps env vars.
func TestKeyedList_OfAService(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.cp.Manager("helm").In(d.key.Namespace).MustApply(t, `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{name: http, port: 80, protocol: TCP}]}}`)
	get := func() *corev1.Service {
		var live corev1.Service
		must(t, d.client.Get(t.Context(), d.key, &live))
		return &live
	}
	port := func(name string, number int32) *applycorev1.ServicePortApplyConfiguration {
		return applycorev1.ServicePort().WithName(name).WithPort(number).WithProtocol(corev1.ProtocolTCP)
	}
	taken, err := servicePorts.Apply(t.Context(), d.client, get(), port("metrics", 9090), port("web", 80))
	must(t, err)
	http, metrics := fieldmanager.KeyOf("port", 80, "protocol", "TCP"), fieldmanager.KeyOf("port", 9090, "protocol", "TCP")
	if len(taken) != 1 || taken[0] != http {
		t.Errorf("left out were %v, want %v", taken, http)
	}
	claim := servicePorts.At.Claim([]string{"name", "port", "protocol"}, metrics)
	fieldmanagertest.ExpectOwned(t, get(), "metrics-operator", claim.Paths()...)

	_, err = servicePorts.Apply(t.Context(), d.client, get())
	must(t, err)
	fieldmanagertest.ExpectOwned(t, get(), "metrics-operator")
	if live := get(); len(live.Spec.Ports) != 1 {
		t.Errorf("the ports are %v, want Helm's alone", live.Spec.Ports)
	}
}
