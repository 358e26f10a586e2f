package apply

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/fieldmanager"
)

const (
	// PausedAnnotation on a workload, with the value "true", stops every write
	// of portside's to it.
	PausedAnnotation = "portside.dev/paused"

	// AllowHostNetworkAnnotation on a workload, with the value "true", allows ports
	// in its pod template with hostNetwork, where [Desired.AllowHostNetwork] does too:
	// there each port reserves its number on the node.
	AllowHostNetworkAnnotation = "portside.dev/allow-host-network"

	// DefaultContainerAnnotation on a pod template names the container that
	// kubectl logs and exec take; see
	// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container
	DefaultContainerAnnotation = "kubectl.kubernetes.io/default-container"
)

// Target names a workload. It is comparable.
type Target struct {
	Kind      workload.Kind
	Namespace string
	Name      string
}

// String is KIND namespace/name.
func (t workload.Target) String() string { return fmt.Sprintf("%s %s/%s", t.Kind, t.Namespace, t.Name) }

// Workload is what portside reads of a StatefulSet, Deployment or DaemonSet:
// all that its decisions depend on, and no more.
type Workload struct {
	Kind            workload.Kind
	Namespace       string
	Name            string
	UID             types.UID
	ResourceVersion string
	Generation      int64
	// Paused tells that [PausedAnnotation] is set.
	Paused bool
	// HostNetwork tells that a declared port is reserved on the node.
	HostNetwork bool
	// HostNetworkAllowed reports that [AllowHostNetworkAnnotation] is set.
	HostNetworkAllowed bool
	// DefaultContainer is the pod template's [DefaultContainerAnnotation].
	DefaultContainer string
	// Selector selects the workload's pods, in the syntax of [labels.Parse]. It is
	// empty where the object has no selector that can be read, and then selects
	// no pod.
	Selector string
	// Containers are the pod template's, in order; init containers are not
	// among them.
	Containers []workload.Container
	// InitContainers are the names of the pod template's init containers, native
	// sidecars among them. Their ports are never managed.
	InitContainers []string
	// TrimmedFor is the field manager that [Workload.Trimmed] was called for; its
	// entries are the only whole ones in ManagedFields. It is empty for a workload
	// as the server has it.
	TrimmedFor    string
	ManagedFields []metav1.ManagedFieldsEntry
	// ClientSide are the managers that apply client side: by updates that wrote
	// the annotation in which kubectl apply, and Argo CD, keep what they applied.
	ClientSide []fieldmanager.Manager
	// Replacing are the managers that put the whole object, and so take away what
	// their manifest does not have: kubectl replace, and Argo CD where
	// Replace=true, as far as managedFields and annotations show it.
	Replacing []fieldmanager.Manager
	// Restarts is how many pods a change of the pod template restarts at most:
	// what is outside a StatefulSet's partition, and none where the update
	// strategy is OnDelete or the Deployment is paused.
	Restarts int32
	// Rollout is how far the newest pod template is brought in.
	Rollout workload.Rollout

	// decoded are the ManagedFields of one that is in use; see [Workload.InUse].
	decoded *decoded
	// lastApplied is what a client-side apply keeps of the object it applied.
	lastApplied string
	// object is the API server's answer that it was read from, if it was.
	object any
}

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
	ContainerMissing workload.ContainerReason = "Missing"
	// ContainerAmbiguous: there are several containers, and none is named.
	ContainerAmbiguous workload.ContainerReason = "Ambiguous"
	// ContainerIsInit: the name is that of an init container or native sidecar,
	// whose ports portside does not manage.
	ContainerIsInit workload.ContainerReason = "IsInit"
)

// ContainerError is returned for a target whose container cannot be determined.
type ContainerError struct {
	Target workload.Target
	Reason workload.ContainerReason
	// Containers are the names of the pod template's containers.
	Containers []string
	text       string
}

// Error names the target, the problem and the containers that there are.
func (e *workload.ContainerError) Error() string {
	return fmt.Sprintf("%s: %s; it has %s", e.Target, e.text, strings.Join(e.Containers, ", "))
}

// IsContainerNotFound reports whether err is a [ContainerError].
func IsContainerNotFound(err error) bool {
	var notFound *workload.ContainerError
	return errors.As(err, &notFound)
}

// Container finds the container: the one named; else the pod template's
// default; else the only one. Its error is a [ContainerError].
func (w *workload.Workload) Container(name string) (*workload.Container, error) {
	which := fmt.Sprintf("container %q", name)
	if name == "" && w.DefaultContainer != "" {
		name = w.DefaultContainer
		which = fmt.Sprintf("container %q, which the annotation %s names,", name, workload.DefaultContainerAnnotation)
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
	err := &workload.ContainerError{Target: w.target(), Containers: names}
	switch {
	case name == "":
		err.Reason, err.text = workload.ContainerAmbiguous, "which container is meant? Name it (container), or set the pod template's annotation "+workload.DefaultContainerAnnotation
	case slices.Contains(w.InitContainers, name):
		err.Reason, err.text = workload.ContainerIsInit, which+" is an init container or native sidecar; portside manages ports of spec.containers only"
	default:
		err.Reason, err.text = workload.ContainerMissing, which+" is not there"
	}
	return nil, err
}

func (w *workload.Workload) target() workload.Target {
	return workload.Target{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}
}

// workloadOf reads what all kinds have in common.
func workloadOf(kind workload.Kind, meta *metav1.ObjectMeta, selector *metav1.LabelSelector, template *corev1.PodTemplateSpec, restarts int32, rollout workload.Rollout) *workload.Workload {
	w := &workload.Workload{
		Kind:               kind,
		Namespace:          meta.Namespace,
		Name:               meta.Name,
		UID:                meta.UID,
		ResourceVersion:    meta.ResourceVersion,
		Generation:         meta.Generation,
		Paused:             meta.Annotations[workload.PausedAnnotation] == "true",
		HostNetwork:        template.Spec.HostNetwork,
		HostNetworkAllowed: meta.Annotations[workload.AllowHostNetworkAnnotation] == "true",
		DefaultContainer:   template.Annotations[workload.DefaultContainerAnnotation],
		Selector:           selectorOf(selector),
		ManagedFields:      meta.ManagedFields,
		ClientSide:         clientSide(meta),
		Replacing:          replacing(meta),
		lastApplied:        meta.Annotations[corev1.LastAppliedConfigAnnotation],
		Restarts:           restarts,
		Rollout:            rollout,
		decoded:            &decoded{of: meta.ManagedFields},
	}
	for i := range template.Spec.Containers {
		c := &template.Spec.Containers[i]
		w.Containers = append(w.Containers, workload.Container{Name: c.Name, Ports: c.Ports, ProbePorts: awaits(c)})
	}
	for i := range template.Spec.InitContainers {
		w.InitContainers = append(w.InitContainers, template.Spec.InitContainers[i].Name)
	}
	return w
}

// selectorOf returns a label selector as text.
func selectorOf(selector *metav1.LabelSelector) string {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return ""
	}
	return parsed.String()
}

// clientSide are the managers that own the annotation of client-side apply by an
// update. Beside the annotation alone, which server-side apply keeps up to date
// where it is there, that tells who would merge. The field is looked for as it is
// written: to decode every entry of every workload for it would cost more.
func clientSide(meta *metav1.ObjectMeta) []fieldmanager.Manager {
	if _, applied := meta.Annotations[corev1.LastAppliedConfigAnnotation]; !applied {
		return nil
	}
	var managers []fieldmanager.Manager
	for i := range meta.ManagedFields {
		e := &meta.ManagedFields[i]
		if e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == "" &&
			bytes.Contains(e.FieldsV1.GetRawBytes(), []byte(`"f:`+corev1.LastAppliedConfigAnnotation+`"`)) {
			managers = append(managers, fieldmanager.Updater(e.Manager))
		}
	}
	return managers
}
