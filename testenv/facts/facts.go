// Package facts is a conformance suite: facts about what kube-apiserver does with a
// list of ports that several managers write by server-side apply.
//
// Each fact has a number, a statement, a test of its name and a reproducer of YAML
// and kubectl. The tests run on the control plane in KUBEBUILDER_ASSETS, by default
// bin/k8s, or on an existing cluster, whose kubeconfig file PORTSIDE_FACTS_KUBECONFIG
// names. README.md has the results on each release of Kubernetes.
package facts

import (
	"fmt"
	"slices"
)

// List is the list of ports that a fact is about.
type List string

// The lists of ports.
const (
	ContainerPorts List = "" // of a container in a pod template
	ServicePorts   List = "Service"
)

// Fact is one statement about kube-apiserver.
type Fact struct {
	List   List
	Number int // unique in the list; numbers without a fact have no test
	// Name is the rest of the name of the test, see [Fact.Test].
	Name string
	// Statement is what the server does, in one or two sentences.
	Statement string
	// Meaning is what follows for a manager that shares a list with others.
	Meaning string
	// Thread is the URL of an issue, a pull request or documentation of Kubernetes
	// about it, empty if none is known.
	Thread string
}

// Test returns the name of the test function of the fact.
func (f Fact) Test() string {
	return fmt.Sprintf("Test%sFact%02d_%s", f.List, f.Number, f.Name)
}

// All returns the facts: those of containers, then those of Services, by number.
func All() []Fact { return slices.Concat(containerFacts, serviceFacts) }

// Pages of documentation and threads that several facts refer to.
const (
	docApply      = "https://kubernetes.io/docs/reference/using-api/server-side-apply/"
	threadKeys    = "https://github.com/kubernetes/kubernetes/pull/118536"
	threadOrder   = "https://github.com/kubernetes/kubernetes/pull/107565"
	threadTwins   = "https://github.com/kubernetes/kubernetes/pull/121575"
	threadEmptied = "https://github.com/kubernetes/kubernetes/issues/89954"
	threadExists  = "https://github.com/kubernetes/kubernetes/issues/116156"
	threadUnnamed = "https://github.com/kubernetes/kubernetes/issues/36803"
)
