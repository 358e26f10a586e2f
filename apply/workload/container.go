package workload

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Container is a container's name and ports, in order. Their protocols are
// set, as the API server stores them.
type Container struct {
	Name  string
	Ports []corev1.ContainerPort
	// ProbePorts are the names of ports that the container's probes and lifecycle
	// handlers refer to, sorted, each once. Until a port of that name is
	// declared a probe of it fails, so that a rollout may wait for the port.
	ProbePorts []string
}

// ContainerReason is why a target's container cannot be determined.
type ContainerReason string

// The reasons.
const (
	// ContainerMissing: the pod template has no container of the name.
	ContainerMissing ContainerReason = "Missing"
	// ContainerAmbiguous: there are several containers, and none is named.
	ContainerAmbiguous ContainerReason = "Ambiguous"
	// ContainerIsInit: the name is that of an init container or native sidecar,
	// whose ports portside does not manage.
	ContainerIsInit ContainerReason = "IsInit"
)

// ContainerError is returned for a target whose container cannot be determined.
type ContainerError struct {
	Target Target
	Reason ContainerReason
	// Containers are the names of the pod template's containers.
	Containers []string
	text       string
}

// Error names the target, the problem and the containers of the pod template.
func (e *ContainerError) Error() string {
	return fmt.Sprintf("%s: %s; it has %s", e.Target, e.text, strings.Join(e.Containers, ", "))
}

// IsContainerNotFound reports whether err is a [ContainerError].
func IsContainerNotFound(err error) bool {
	var notFound *ContainerError
	return errors.As(err, &notFound)
}

// Container returns the container: the one named; else the pod template's
// default; else the only one. Its error is a [ContainerError].
func (w *Workload) Container(name string) (*Container, error) {
	which := fmt.Sprintf("container %q", name)
	if name == "" && w.DefaultContainer != "" {
		name = w.DefaultContainer
		which = fmt.Sprintf("container %q, which the annotation %s names,", name, defaultContainerAnnotation)
	}
	if name == "" && len(w.Containers) == 1 {
		return &w.Containers[0], nil
	}
	names := make([]string, 0, len(w.Containers))
	for i := range w.Containers {
		if w.Containers[i].Name == name {
			return &w.Containers[i], nil
		}
		names = append(names, w.Containers[i].Name)
	}
	err := &ContainerError{Target: w.Target, Containers: names}
	switch {
	case name == "":
		err.Reason, err.text = ContainerAmbiguous, "several containers, and none is named: name one, or set the pod template's annotation "+defaultContainerAnnotation
	case slices.Contains(w.InitContainers, name):
		err.Reason, err.text = ContainerIsInit, which+" is an init container or native sidecar; portside manages ports of spec.containers only"
	default:
		err.Reason, err.text = ContainerMissing, which+" not found"
	}
	return nil, err
}
