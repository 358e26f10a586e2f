package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv/fixture"
)

// keepAdapterPorts makes the target what the owner declares, but keeps its adapter ports,
// as an operator does that reads, modifies and writes.
func keepAdapterPorts(live, declared *unstructured.Unstructured) {
	ports, _, _ := unstructured.NestedSlice(containerOf(declared), "ports")
	for _, p := range portsIn(live) {
		number, proto := p["containerPort"], p["protocol"]
		if portName, _ := p["name"].(string); strings.HasPrefix(portName, "adapter-") && !slices.ContainsFunc(ports, func(other any) bool {
			o := other.(map[string]any)
			return o["containerPort"] == number && o["protocol"] == proto || o["name"] == portName
		}) {
			ports = append(ports, p)
		}
	}
	setPorts(live, ports)
}

func setPorts(object *unstructured.Unstructured, ports []any) {
	if object.GetKind() == "Service" {
		if err := unstructured.SetNestedSlice(object.Object, ports, "spec", "ports"); err != nil {
			panic(fmt.Sprintf("lab: ports of a Service: %v", err))
		}
		return
	}
	if c := containerOf(object); c != nil {
		if c["ports"] = ports; len(ports) == 0 {
			delete(c, "ports")
		}
	}
}

func renamePort(object *unstructured.Unstructured, n int, to string) {
	ports := portsIn(object)
	if len(ports) == 0 {
		return
	}
	p := ports[n%len(ports)]
	if p["name"] = to; to == "" {
		delete(p, "name")
	}
	setPorts(object, listed(ports))
}

func dropPort(object *unstructured.Unstructured, n int) {
	if ports := portsIn(object); len(ports) > 0 {
		n %= len(ports)
		setPorts(object, listed(slices.Delete(ports, n, n+1)))
	}
}

func addPorts(object *unstructured.Unstructured, more []string) {
	if containerOf(object) == nil {
		return
	}
	ports := listed(portsIn(object))
	added, _, _ := unstructured.NestedSlice(containerOf(fixture.Workload("StatefulSet", name, fixture.Container(container, more...))), "ports")
	setPorts(object, append(ports, added...))
}

func listed(ports []map[string]any) []any {
	list := make([]any, len(ports))
	for i, p := range ports {
		list[i] = p
	}
	return list
}

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("lab: %v", err))
	}
	return text
}
