package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// Service is the kind of Services. A Service is no workload: it has no pods, no
// containers and no rollout, but a list of ports of its own.
var Service = Kind{Group: corev1.GroupName, Kind: "Service"}

var service = Definition{
	Kind:       Service,
	Version:    "v1",
	Resource:   "services",
	ShortNames: []string{"svc"},
	New:        func() Object { return &corev1.Service{} },
	NewList:    func() ObjectList { return &corev1.ServiceList{} },
	Read:       reads(readService),
	ConfigurePorts: func(meta *applymetav1.ObjectMetaApplyConfiguration, ports []port.Port) any {
		s := applycorev1.Service(*meta.Name, *meta.Namespace)
		s.ObjectMetaApplyConfiguration = meta
		if len(ports) > 0 {
			s.WithSpec(applycorev1.ServiceSpec().WithPorts(servicePorts(ports)...))
		}
		return s
	},
}

// ServiceDefinition returns the definition of Services. It is not among [Definitions],
// which are those of workloads.
func ServiceDefinition() *Definition { return &service }

// TargetDefinitions returns the definitions of all kinds whose ports portside manages:
// those of workloads, and that of Services.
func TargetDefinitions() []*Definition { return append(Definitions(), &service) }

// ServiceSpec is what portside reads of a Service in place of a pod template.
type ServiceSpec struct {
	Type corev1.ServiceType
	// Headless reports that the Service has no address of its own, so that its clients
	// connect to the pods and its port numbers are not translated.
	Headless bool
	Ports    []corev1.ServicePort
}

func readService(s *corev1.Service) State {
	state := State{Service: &ServiceSpec{
		Type:     s.Spec.Type,
		Headless: s.Spec.ClusterIP == corev1.ClusterIPNone,
		Ports:    s.Spec.Ports,
	}}
	if len(s.Spec.Selector) > 0 {
		state.Selector = &metav1.LabelSelector{MatchLabels: s.Spec.Selector}
	}
	return state
}

// listOfService describes the list of a Service's ports.
var listOfService = port.List{
	At:        fieldmanager.ListAt("spec", "ports"),
	Key:       []string{"port", "protocol"},
	Name:      "name",
	Prefix:    port.NamePrefix,
	Max:       port.MaxPorts,
	Of:        "Service",
	Fields:    []string{port.FieldTargetPort, port.FieldNodePort, port.FieldAppProtocol},
	Allocated: port.FieldNodePort,
	Named:     true,
}

// ServicePorts describes the list of a Service's ports. That of a Service that cannot be
// without a port is also [port.List.NotEmpty].
func ServicePorts() port.List { return listOfService }

// HasNodePorts reports whether ports of the Service can have node ports.
func (s *ServiceSpec) HasNodePorts() bool {
	return s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer
}

// list returns the list of ports. The API server takes it without ports for a headless
// Service and an ExternalName.
func (s *ServiceSpec) list() PortList {
	list := PortList{List: listOfService, Items: make([]port.Item, len(s.Ports)), pointer: "/spec/ports"}
	list.read = func(at int) any { return s.Ports[at] }
	list.NotEmpty = !s.Headless && s.Type != corev1.ServiceTypeExternalName
	for i := range s.Ports {
		p := &s.Ports[i]
		q := port.Port{Name: p.Name, Number: p.Port, Protocol: p.Protocol, TargetPort: p.TargetPort, NodePort: p.NodePort}
		if p.AppProtocol != nil {
			q.AppProtocol = *p.AppProtocol
		}
		list.Items[i] = list.Item(q)
	}
	return list
}

// servicePorts returns the typed apply configurations of ports.
func servicePorts(ports []port.Port) []*applycorev1.ServicePortApplyConfiguration {
	configurations := make([]*applycorev1.ServicePortApplyConfiguration, 0, len(ports))
	for _, p := range ports {
		c := applycorev1.ServicePort().WithPort(p.Number).WithProtocol(p.Protocol)
		if p.Name != "" {
			c.WithName(p.Name)
		}
		if p.TargetPort != (intstr.IntOrString{}) {
			c.WithTargetPort(p.TargetPort)
		}
		if p.NodePort != 0 {
			c.WithNodePort(p.NodePort)
		}
		if p.AppProtocol != "" {
			c.WithAppProtocol(p.AppProtocol)
		}
		configurations = append(configurations, c)
	}
	return configurations
}

// ClearInvented clears the node ports that the answer to a dry run has and the Service
// as it was read has not, but for those that were applied: a dry run answers a number
// that the server does not allocate.
func (s *ServiceSpec) ClearInvented(was *ServiceSpec, applied []port.Port) {
	for i := range s.Ports {
		number := s.Ports[i].NodePort
		if !slices.ContainsFunc(was.Ports, func(p corev1.ServicePort) bool { return p.NodePort == number }) &&
			!slices.ContainsFunc(applied, func(p port.Port) bool { return p.NodePort == number }) {
			s.Ports[i].NodePort = 0
		}
	}
}
