package workload

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"sync"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

const (
	// PausedAnnotation on a workload, with the value "true", stops every write
	// of portside's to it.
	PausedAnnotation = "portside.dev/paused"

	// AllowHostNetworkAnnotation on a workload, with the value "true", allows ports
	// in its pod template with hostNetwork, where portside's user allows them too:
	// there each port reserves its number on the node.
	AllowHostNetworkAnnotation = "portside.dev/allow-host-network"

	// defaultContainerAnnotation on a pod template names the container that
	// kubectl logs and exec take; see
	// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container
	defaultContainerAnnotation = "kubectl.kubernetes.io/default-container"
)

// Workload is what portside reads of an object: all that its decisions depend on, and
// no more. [Read] and [Definition.Workload] make one, which must not be changed. A Service
// is read as one that has a [ServiceSpec] in place of a pod template.
type Workload struct {
	Target
	// APIVersion is the group and version that it was read in, such as apps/v1.
	APIVersion      string
	UID             types.UID
	ResourceVersion string
	Generation      int64
	// Paused reports that [PausedAnnotation] is set.
	Paused bool
	// HostNetwork reports that a declared port is reserved on the node.
	HostNetwork bool
	// HostNetworkAllowed reports that [AllowHostNetworkAnnotation] is set.
	HostNetworkAllowed bool
	// DefaultContainer is the pod template's annotation kubectl.kubernetes.io/default-container.
	DefaultContainer string
	// Selector selects the pods of the workload or Service, in the syntax of [labels.Parse]. It is
	// empty where the object has no selector that can be read, and then selects
	// no pod.
	Selector string
	// PodLabels are the labels of the pod template, in the syntax of a label selector.
	PodLabels string
	// Containers are the pod template's, in order; init containers are not
	// among them.
	Containers []Container
	// Service is the Service, nil for a workload.
	Service *ServiceSpec
	// InitContainers are the names of the pod template's init containers, native
	// sidecars among them. Their ports are never managed.
	InitContainers []string
	// TrimmedFor is the field manager that it was read for, see [ReadTrimmed]; its
	// entries are the only whole ones of [Workload.Managed]. It is empty for a workload
	// as the server has it.
	TrimmedFor string
	// ManagedFields are those of the object, nil after [ReadTrimmed].
	ManagedFields []metav1.ManagedFieldsEntry
	// Writers are the managers whose way of writing endangers ports that they do
	// not declare.
	Writers advice.Writers
	// Restarts is how many pods a change of the pod template restarts at most:
	// those outside a StatefulSet's partition, and none where the update strategy
	// is OnDelete or the Deployment is paused.
	Restarts int32
	// Surge is how many pods a rollout starts beyond the desired ones. If the pod
	// template changes again during a rollout, at most as many pods are replaced a
	// second time.
	Surge int32
	// Template identifies the pod template: another template has another value.
	Template uint64
	// Rollout is how far the newest pod template is rolled out.
	Rollout Rollout

	trimmed []unique.Handle[trimmedEntry] // in place of ManagedFields after ReadTrimmed
	decoded *decoded
	object  Object
}

// decoded are the entries of managedFields, decoded at most once.
type decoded struct {
	once    sync.Once
	entries fieldmanager.Entries
	err     error
}

// Workload reads an object. Its error is an object of another kind.
func (d *Definition) Workload(object Object) (*Workload, error) {
	state, err := d.Read(object)
	if err != nil {
		return nil, err
	}
	annotations := object.GetAnnotations()
	w := &Workload{
		Target:             Target{Kind: d.Kind, Namespace: object.GetNamespace(), Name: object.GetName()},
		APIVersion:         d.APIVersion(),
		UID:                object.GetUID(),
		ResourceVersion:    object.GetResourceVersion(),
		Generation:         object.GetGeneration(),
		Paused:             annotations[PausedAnnotation] == "true",
		HostNetworkAllowed: annotations[AllowHostNetworkAnnotation] == "true",
		Selector:           selectorOf(state.Selector),
		ManagedFields:      object.GetManagedFields(),
		Restarts:           state.Restarts,
		Surge:              state.Surge,
		Rollout:            state.Rollout,
		Service:            state.Service,
		decoded:            &decoded{},
		object:             object,
	}
	if state.Service != nil {
		w.Writers = advice.ReadService(object)
		return w, nil
	}
	w.Writers = advice.Read(object, templateContainers)
	return w, w.readTemplate(state.Template)
}

func (w *Workload) readTemplate(t *corev1.PodTemplateSpec) (err error) {
	w.HostNetwork = t.Spec.HostNetwork
	w.DefaultContainer = t.Annotations[defaultContainerAnnotation]
	w.PodLabels = labels.Set(t.Labels).String()
	w.Containers = containersOf(t)
	for i := range t.Spec.InitContainers {
		w.InitContainers = append(w.InitContainers, t.Spec.InitContainers[i].Name)
	}
	if w.Template, err = hashOf(t); err != nil {
		return &TargetError{w.Target, err}
	}
	return nil
}

// hashOf returns a hash of a pod template.
func hashOf(template *corev1.PodTemplateSpec) (uint64, error) {
	encoded, err := template.Marshal()
	if err != nil {
		return 0, fmt.Errorf("cannot encode the pod template: %w", err)
	}
	h := fnv.New64a()
	_, _ = h.Write(encoded) // a hash does not fail
	return h.Sum64(), nil
}

// containersOf returns the containers of a pod template.
func containersOf(template *corev1.PodTemplateSpec) []Container {
	containers := make([]Container, len(template.Spec.Containers))
	for i := range template.Spec.Containers {
		c := &template.Spec.Containers[i]
		containers[i] = Container{Name: c.Name, Ports: c.Ports, ProbePorts: probePorts(c)}
	}
	return containers
}

// selectorOf returns a label selector as text.
func selectorOf(selector *metav1.LabelSelector) string {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return ""
	}
	return parsed.String()
}

// Object returns the object that the workload was read from, nil after [ReadTrimmed].
func (w *Workload) Object() Object { return w.object }

// Managed returns ManagedFields, or what [ReadTrimmed] kept of them. They must not be
// changed.
func (w *Workload) Managed() []metav1.ManagedFieldsEntry {
	if w.TrimmedFor == "" {
		return w.ManagedFields
	}
	return managedOf(w.trimmed)
}

// Entries returns the managedFields, decoded. They are decoded once, and must not be
// changed. The error is an entry that cannot be read.
func (w *Workload) Entries() (fieldmanager.Entries, error) {
	d := w.decoded
	if d == nil {
		d = &decoded{} // of a workload that was not read
	}
	d.once.Do(func() {
		if d.entries, d.err = fieldmanager.Decode(w.Managed()); d.err != nil {
			d.err = &TargetError{w.Target, d.err}
		}
	})
	return d.entries, d.err
}

// Equal reports whether nothing that decisions depend on differs. resourceVersion and
// generation, which change with everything, may differ.
func (w *Workload) Equal(o *Workload) bool {
	a, b := *w, *o
	a.ResourceVersion, a.Generation, a.decoded, a.object = b.ResourceVersion, b.Generation, nil, nil
	b.decoded, b.object = nil, nil
	return reflect.DeepEqual(a, b) //nolint:govet // deepequalerrors: decoded, which has the error, is nil in both.
}

// templateContainers is the list of a pod template's containers.
var templateContainers = fieldmanager.ListAt("spec", "template", "spec", "containers")

// Containers returns the list of a pod template's containers.
func Containers() fieldmanager.List { return templateContainers }

// Ports describes the list of a container's ports.
func Ports(container string) port.List {
	return port.List{
		At:     templateContainers.Item(fieldmanager.KeyOf("name", container)).List("ports"),
		Key:    []string{"containerPort", "protocol"},
		Name:   "name",
		Prefix: port.NamePrefix,
		Max:    port.MaxPorts,
		Of:     "container",
	}
}
