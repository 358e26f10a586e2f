package testenv

import (
	"context"
	"fmt"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// EndpointPorts returns the ports of pods that a Service leads to, as NAME:NUMBER,
// sorted: those of its EndpointSlices that have endpoints. Pods at loopback addresses
// are in none, see [PodServer].
func (cp *ControlPlane) EndpointPorts(ctx context.Context, namespace, service string) ([]string, error) {
	list, err := cp.client.DiscoveryV1().EndpointSlices(namespace).List(ctx,
		metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service})
	if err != nil {
		return nil, err
	}
	var ports []string
	for _, endpoints := range list.Items {
		for _, port := range endpoints.Ports {
			if len(endpoints.Endpoints) > 0 && port.Port != nil {
				ports = append(ports, fmt.Sprintf("%s:%d", ptr.Deref(port.Name, ""), *port.Port))
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}
