package workload

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/portside-dev/portside/apply/port"
)

// Object is an object of the API, such as *appsv1.StatefulSet.
type Object interface {
	metav1.Object
	runtime.Object
}

// ObjectList is a list of them.
type ObjectList interface {
	metav1.ListInterface
	runtime.Object
}

// Definition is all that portside has to know of a kind of workload, or of Services. The
// pod template of every kind of workload is at spec.template.
type Definition struct {
	Kind Kind
	// Version is the version of the API group that is read and applied.
	Version string
	// Resource is the plural in lower case, as in a URL of the API.
	Resource string
	// ShortNames are those that kubectl takes.
	ShortNames []string
	// New and NewList return an empty object and list to decode into.
	New     func() Object
	NewList func() ObjectList
	// Read reads an object that New returned.
	Read func(Object) (State, error)
	// Configure returns the typed apply configuration with this metadata and pod
	// template. It has metadata alone where the template is nil.
	Configure func(*applymetav1.ObjectMetaApplyConfiguration, *applycorev1.PodTemplateSpecApplyConfiguration) any
	// ConfigurePorts is set in place of Configure for Services: it returns the typed apply
	// configuration with this metadata and these ports, or with metadata alone.
	ConfigurePorts func(*applymetav1.ObjectMetaApplyConfiguration, []port.Port) any
	// PodController is the kind of the objects that control the pods for the
	// workload, as ReplicaSets do for a Deployment. It is zero where the workload
	// controls its pods itself.
	PodController schema.GroupVersionKind
	// Revisions reads the pod templates that the workload had. It is nil for a
	// kind whose former templates are not kept.
	Revisions *Revisions
}

// State is what differs from kind to kind in how an object is read.
type State struct {
	// Selector selects the pods.
	Selector *metav1.LabelSelector
	// Template is the pod template of a workload, and Service what a Service has in its
	// place. One of them is set.
	Template *corev1.PodTemplateSpec
	Service  *ServiceSpec
	// Restarts is how many pods a change of the pod template restarts at most.
	Restarts int32
	// Surge is how many pods a rollout starts beyond the desired ones.
	Surge   int32
	Rollout Rollout
}

// definitions are the built-in ones, in the order in which they are listed.
var definitions = []*Definition{&statefulSet, &deployment, &daemonSet}

// Definitions returns the definitions of the kinds that portside manages.
func Definitions() []*Definition { return slices.Clone(definitions) }

// Kinds returns these kinds.
func Kinds() []Kind {
	kinds := make([]Kind, len(definitions))
	for i, d := range definitions {
		kinds[i] = d.Kind
	}
	return kinds
}

// Resources returns their resources, as in "deployments.apps, daemonsets.apps".
func Resources() string {
	resources := make([]string, len(definitions))
	for i, d := range definitions {
		resources[i] = d.GroupResource().String()
	}
	return strings.Join(resources, ", ")
}

// Define returns the definition of a kind: one of those given, or else a built-in one.
// Its error names the kinds that are known.
func Define(kind Kind, more ...*Definition) (*Definition, error) {
	all := slices.Concat(more, definitions)
	known := make([]string, len(all))
	for i, d := range all {
		if d.Kind == kind {
			return d, nil
		}
		known[i] = schema.GroupKind(d.Kind).String()
	}
	return nil, fmt.Errorf("kind %s is not known; known are %s", schema.GroupKind(kind), strings.Join(known, ", "))
}

// Read reads an object of a built-in kind, or a Service. Its error is an object of another kind.
func Read(object Object) (*Workload, error) {
	d, err := definitionOf(object)
	if err != nil {
		return nil, err
	}
	return d.Workload(object)
}

// definitionOf returns the built-in definition of an object's Go type.
func definitionOf(object Object) (*Definition, error) {
	for _, d := range TargetDefinitions() {
		if reflect.TypeOf(d.New()) == reflect.TypeOf(object) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%T is not a kind of workload that is known", object)
}

// APIVersion returns the group and version, such as apps/v1.
func (d *Definition) APIVersion() string { return d.GroupVersion().String() }

// GroupVersion returns the group and version.
func (d *Definition) GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: d.Kind.Group, Version: d.Version}
}

// GroupResource returns the resource with its group. It prints as
// statefulsets.apps.
func (d *Definition) GroupResource() schema.GroupResource {
	return schema.GroupResource{Group: d.Kind.Group, Resource: d.Resource}
}

// reads returns the Read of a definition from one that takes the Go type of the kind.
func reads[O Object](read func(O) State) func(Object) (State, error) {
	return func(object Object) (State, error) {
		typed, ok := object.(O)
		if !ok {
			return State{}, fmt.Errorf("%T is not a %T", object, typed)
		}
		return read(typed), nil
	}
}
