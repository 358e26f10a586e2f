package testenv

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Containers returns the names of a workload's containers in their order.
func Containers(workload *unstructured.Unstructured) []string {
	names := []string{}
	for _, container := range containers(workload) {
		name, _ := container["name"].(string)
		names = append(names, name)
	}
	return names
}

// Ports returns the ports of a workload's container in their order, as PortString
// writes them, or those of a Service, as ServicePortString does.
func Ports(workload *unstructured.Unstructured, container string) []string {
	written := []string{}
	if isService(workload) {
		for _, p := range servicePorts(workload) {
			written = append(written, ServicePortString(p))
		}
		return written
	}
	for _, c := range containers(workload) {
		if c["name"] != container {
			continue
		}
		ports, _, _ := unstructured.NestedSlice(c, "ports")
		for _, port := range ports {
			if p, ok := port.(map[string]any); ok {
				written = append(written, PortString(p))
			}
		}
	}
	return written
}

// CheckPorts returns an error unless a workload's container has these ports and no
// others, in any order.
func CheckPorts(workload *unstructured.Unstructured, container string, want ...string) error {
	got := slices.Sorted(slices.Values(Ports(workload, container)))
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		return fmt.Errorf("%s %s has ports %q, want %q", workload.GetKind(), workload.GetName(), got, want)
	}
	return nil
}

// PortString returns a container port as name:number/PROTOCOL, followed by
// hostPort=… and hostIP=… where they are set. Without a name it is
// :number/PROTOCOL.
func PortString(port map[string]any) string {
	var s strings.Builder
	if name, ok := port["name"]; ok {
		fmt.Fprint(&s, name)
	}
	fmt.Fprintf(&s, ":%v/%v", port["containerPort"], port["protocol"])
	for _, field := range []string{"hostPort", "hostIP"} {
		if value, ok := port[field]; ok {
			fmt.Fprintf(&s, " %s=%v", field, value)
		}
	}
	return s.String()
}

// ServicePortString returns a port of a Service as name:number/PROTOCOL->targetPort. It
// has no node port, which the server allocates: see [NodePorts].
func ServicePortString(port map[string]any) string {
	name := ""
	if given, ok := port["name"]; ok {
		name = fmt.Sprint(given)
	}
	return fmt.Sprintf("%s:%v/%v->%v", name, port["port"], port["protocol"], port["targetPort"])
}

// NodePorts returns the node ports of a Service by the names of its ports.
func NodePorts(service *unstructured.Unstructured) map[string]int64 {
	numbers := map[string]int64{}
	for _, p := range servicePorts(service) {
		name, _, _ := unstructured.NestedString(p, "name")
		if number, allocated, _ := unstructured.NestedInt64(p, "nodePort"); allocated {
			numbers[name] = number
		}
	}
	return numbers
}

func isService(object *unstructured.Unstructured) bool {
	return object != nil && object.GetKind() == "Service"
}

// servicePorts returns the ports of a Service themselves, not copies.
func servicePorts(service *unstructured.Unstructured) []map[string]any {
	list, _, _ := unstructured.NestedFieldNoCopy(service.Object, "spec", "ports")
	items, _ := list.([]any)
	var ports []map[string]any
	for _, item := range items {
		if p, ok := item.(map[string]any); ok {
			ports = append(ports, p)
		}
	}
	return ports
}

// SetPorts replaces the ports of a workload's container, or of a Service, by a YAML list,
// for the mutation of an Update. It panics if there is no such container or the YAML is
// invalid, which is a mistake in the test.
func SetPorts(workload *unstructured.Unstructured, container, portsYAML string) {
	var ports []any
	if err := yaml.Unmarshal([]byte(portsYAML), &ports); err != nil {
		panic(fmt.Sprintf("testenv: ports %q: %v", portsYAML, err))
	}
	if isService(workload) {
		if err := unstructured.SetNestedSlice(workload.Object, ports, "spec", "ports"); err != nil {
			panic(fmt.Sprintf("testenv: ports %q: %v", portsYAML, err))
		}
		return
	}
	EditContainer(workload, container, func(c map[string]any) { c["ports"] = ports })
}

// EditContainer edits a workload's container in place. It panics if there is no
// such container, which is a mistake in the test.
func EditContainer(workload *unstructured.Unstructured, container string, edit func(map[string]any)) {
	all := containers(workload)
	for _, c := range all {
		if c["name"] == container {
			edit(c)
			return
		}
	}
	panic(fmt.Sprintf("testenv: no container %q among %v", container, Containers(workload)))
}

// containers returns the containers of a workload themselves, not copies.
func containers(workload *unstructured.Unstructured) []map[string]any {
	if workload == nil {
		return nil
	}
	list, _, _ := unstructured.NestedFieldNoCopy(workload.Object, "spec", "template", "spec", "containers")
	items, _ := list.([]any)
	var found []map[string]any
	for _, item := range items {
		if c, ok := item.(map[string]any); ok {
			found = append(found, c)
		}
	}
	return found
}
