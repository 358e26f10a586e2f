package memserver

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// clusterIP is the address of every Service that has one.
const clusterIP = "10.0.0.1"

// defaultService sets the defaults of core/v1.
func defaultService(s *corev1.Service) {
	spec := &s.Spec
	orDefault(&spec.SessionAffinity, corev1.ServiceAffinityNone)
	orDefault(&spec.Type, corev1.ServiceTypeClusterIP)
	for i := range spec.Ports {
		p := &spec.Ports[i]
		orDefault(&p.Protocol, corev1.ProtocolTCP)
		if p.TargetPort == intstr.FromInt32(0) || p.TargetPort == intstr.FromString("") {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
	if hasNodePorts(s) {
		orDefault(&spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if spec.Type != corev1.ServiceTypeExternalName {
		orDefault(&spec.InternalTrafficPolicy, ptr.To(corev1.ServiceInternalTrafficPolicyCluster))
	}
	if spec.Type == corev1.ServiceTypeLoadBalancer {
		orDefault(&spec.AllocateLoadBalancerNodePorts, new(true))
	}
}

func hasNodePorts(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort || s.Spec.Type == corev1.ServiceTypeLoadBalancer
}

func isHeadless(s *corev1.Service) bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }

// prepareService allocates an address and node ports. A node port stays with the key of its
// port, since that is merged, or else with the name.
func prepareService(server *Server, s, old *corev1.Service) error {
	s.Status = corev1.ServiceStatus{}
	if old != nil {
		s.Status = old.Status
		orDefault(&s.Spec.ClusterIP, old.Spec.ClusterIP)
		if hasNodePorts(s) {
			keepNodePorts(s, old)
		}
	}
	if s.Spec.Type != corev1.ServiceTypeExternalName {
		orDefault(&s.Spec.ClusterIP, clusterIP)
		s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
		s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
		orDefault(&s.Spec.IPFamilyPolicy, ptr.To(corev1.IPFamilyPolicySingleStack))
	}
	if !hasNodePorts(s) {
		return nil
	}
	type allocation struct {
		Protocol corev1.Protocol
		NodePort int32
	}
	taken := map[allocation]bool{}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if p.NodePort == 0 {
			server.node++
			p.NodePort = server.node
		}
		a := allocation{p.Protocol, p.NodePort}
		if taken[a] {
			return fmt.Errorf("duplicate nodePort: %v", a)
		}
		taken[a] = true
	}
	return nil
}

// keepNodePorts gives ports without a node port the one that the port of their name had,
// unless another port has it.
func keepNodePorts(s, old *corev1.Service) {
	used, byName := map[int32]bool{}, map[string]int32{}
	for _, p := range s.Spec.Ports {
		used[p.NodePort] = true
	}
	for _, p := range old.Spec.Ports {
		byName[p.Name] = p.NodePort
	}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if number := byName[p.Name]; p.NodePort == 0 && !used[number] {
			p.NodePort = number
		}
	}
}

// validateService returns the refusals of ports.
func validateService(s *corev1.Service) (errs field.ErrorList) {
	ports := field.NewPath("spec", "ports")
	if len(s.Spec.Ports) == 0 && !isHeadless(s) && s.Spec.Type != corev1.ServiceTypeExternalName {
		errs = append(errs, field.Required(ports, ""))
	}
	names := map[string]bool{}
	for i := range s.Spec.Ports {
		errs = append(errs, validateServicePort(&s.Spec.Ports[i], len(s.Spec.Ports) > 1, names, ports.Index(i))...)
	}
	for i, p := range s.Spec.Ports {
		if s.Spec.Type == corev1.ServiceTypeClusterIP && p.NodePort != 0 {
			errs = append(errs, field.Forbidden(ports.Index(i).Child("nodePort"), "may not be used when `type` is 'ClusterIP'"))
		}
	}
	return append(errs, validateKeys(s.Spec.Ports, ports)...)
}

func validateServicePort(p *corev1.ServicePort, needsName bool, names map[string]bool, at *field.Path) (errs field.ErrorList) {
	switch {
	case needsName && p.Name == "":
		errs = append(errs, field.Required(at.Child("name"), ""))
	case p.Name != "":
		for _, message := range validation.IsDNS1123Label(p.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), p.Name, message))
		}
		if names[p.Name] {
			errs = append(errs, field.Duplicate(at.Child("name"), p.Name))
		}
		names[p.Name] = true
	}
	errs = append(errs, validatePortNumber(p.Port, at.Child("port"))...)
	errs = append(errs, validateProtocol(p.Protocol, at.Child("protocol"))...)
	if p.TargetPort.Type == intstr.Int {
		return append(errs, validatePortNumber(p.TargetPort.IntVal, at.Child("targetPort"))...)
	}
	for _, message := range validation.IsValidPortName(p.TargetPort.StrVal) {
		errs = append(errs, field.Invalid(at.Child("targetPort"), p.TargetPort.StrVal, message))
	}
	return errs
}

// duplicate is a key as kube-apiserver writes it: a port of its internal type.
type duplicate struct {
	Name        string
	Protocol    corev1.Protocol
	AppProtocol *string
	Port        int32
	TargetPort  intstr.IntOrString
	NodePort    int32
}

// validateKeys returns the refusals of ports with one key.
func validateKeys(ports []corev1.ServicePort, at *field.Path) (errs field.ErrorList) {
	keys := map[duplicate]bool{}
	for i, p := range ports {
		key := duplicate{Protocol: p.Protocol, Port: p.Port}
		if keys[key] {
			errs = append(errs, field.Duplicate(at.Index(i), key))
		}
		keys[key] = true
	}
	return errs
}
