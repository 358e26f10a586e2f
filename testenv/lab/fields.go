package main

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv/oracle"
)

// container is the container of the target that has the ports.
const container = "server"

// us is portside in the owners of a field.
const us = "portside/Apply"

// contract is the contract of the service. Its policies allow no transfers.
var contract = oracle.Contract{Manager: "portside"}

// read returns the ports of an object with their owners.
func read(object *unstructured.Unstructured) (oracle.List, error) {
	if object.GetKind() == "Service" {
		return contract.Read(object, "")
	}
	return contract.Read(object, container)
}

// isOurs reports whether portside owns an item, and isOursAlone whether no other manager does.
func isOurs(i *oracle.Item) bool      { return slices.Contains(i.Owners, us) }
func isOursAlone(i *oracle.Item) bool { return isOurs(i) && len(i.Owners) == 1 }

// isAdapterName reports whether a name is that of an adapter port.
func isAdapterName(name string) bool { return strings.HasPrefix(name, "adapter-") }

// portsIn returns the ports of the container, or of the Service.
func portsIn(object *unstructured.Unstructured) []map[string]any {
	var list []any
	if object.GetKind() == "Service" {
		list, _, _ = unstructured.NestedSlice(object.Object, "spec", "ports")
	} else if c := containerOf(object); c != nil {
		list, _, _ = unstructured.NestedSlice(c, "ports")
	}
	var ports []map[string]any
	for _, one := range list {
		if p, ok := one.(map[string]any); ok {
			ports = append(ports, p)
		}
	}
	return ports
}

// containerOf returns the container with the ports itself, nil if there is none.
func containerOf(object *unstructured.Unstructured) map[string]any {
	list, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "template", "spec", "containers")
	all, _ := list.([]any)
	for _, one := range all {
		if c, ok := one.(map[string]any); ok && c["name"] == container {
			return c
		}
	}
	return nil
}
