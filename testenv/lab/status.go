package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv/fixture"
)

// setStatus is the part of an AdapterSet's status that is checked.
type setStatus struct {
	ObservedGeneration       int64
	Target                   struct{ UID string }
	Ports                    []portStatus
	Services                 []serviceStatus
	DesiredPorts, ReadyPorts int64
}

type serviceStatus struct {
	Name, UID, Reason string
	Ports             []portStatus
}

type portStatus struct {
	Name          string
	Port          int64
	Protocol      string
	State, Reason string
	Owners        []portOwner
}

type portOwner struct{ Manager, Operation string }

func statusOf(set *unstructured.Unstructured) (status setStatus, err error) {
	if set == nil {
		return status, nil
	}
	fields, _, _ := unstructured.NestedFieldNoCopy(set.Object, "status")
	err = json.Unmarshal(mustJSON(fields), &status)
	return status, err
}

// withheldIn returns the names of the ports that status reports as not added for now,
// because another manager keeps removing them.
func withheldIn(set *unstructured.Unstructured, service bool) (names []string) {
	status, err := statusOf(set)
	if err != nil {
		return nil
	}
	ports := status.Ports
	if service {
		ports = nil
		for _, one := range status.Services {
			ports = append(ports, one.Ports...)
		}
	}
	for _, p := range ports {
		if p.State == "Blocked" && p.Reason == "Contended" {
			names = append(names, p.Name)
		}
	}
	return names
}

// summary returns the conditions of an AdapterSet and the messages of its ports.
func summary(set *unstructured.Unstructured) string {
	if set == nil {
		return "none"
	}
	var parts []string
	for _, kind := range []string{"Ready", "Reconciling", "Stalled"} {
		c := fixture.Condition(set, kind)
		parts = append(parts, fmt.Sprintf("%s %s %s: %s", kind, c.Status, c.Reason, c.Message))
	}
	ports, _, _ := unstructured.NestedSlice(set.Object, "status", "ports")
	return strings.Join(append(parts, string(mustJSON(ports))), "; ")
}
