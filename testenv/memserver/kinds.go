package memserver

import (
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// kind is a kind of object that the server stores.
type kind struct {
	gvk      schema.GroupVersionKind
	resource schema.GroupResource
	empty    func() Object
	// fields returns the manager of the kind's fields.
	fields func() *managedfields.FieldManager
	// prepare sets what clients cannot set: status, generation and allocated numbers.
	prepare func(s *Server, object, old Object) error
	// validate returns the server's refusals.
	validate func(Object) field.ErrorList
}

var kinds = map[string]*kind{
	"StatefulSet": {
		gvk:      appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
		resource: appsv1.Resource("statefulsets"),
		empty:    func() Object { return &appsv1.StatefulSet{} },
		prepare:  of(prepareStatefulSet),
		validate: func(o Object) field.ErrorList { return validateStatefulSet(o.(*appsv1.StatefulSet)) }, //nolint:forcetypeassert // of this kind
	},
	"Service": {
		gvk:      corev1.SchemeGroupVersion.WithKind("Service"),
		resource: corev1.Resource("services"),
		empty:    func() Object { return &corev1.Service{} },
		prepare:  of(prepareService),
		validate: func(o Object) field.ErrorList { return validateService(o.(*corev1.Service)) }, //nolint:forcetypeassert // of this kind
	},
}

// Building the schema takes a second, so that it is built once, and only if needed.
func init() {
	for _, k := range kinds {
		k.fields = sync.OnceValue(k.newFieldManager)
	}
}

var (
	scheme    = sync.OnceValue(newScheme)
	converter = sync.OnceValue(func() managedfields.TypeConverter { return applyconfigurations.NewTypeConverter(scheme()) })
)

// define returns the kind of a name.
func define(name string) (*kind, error) {
	if k, known := kinds[name]; known {
		return k, nil
	}
	return nil, fmt.Errorf("the server in memory does not know the kind %q; add it to kinds", name)
}

// create returns an empty object with its kind.
func (k *kind) create() Object {
	object := k.empty()
	object.GetObjectKind().SetGroupVersionKind(k.gvk)
	return object
}

// newFieldManager returns what kube-apiserver builds for the kind, in which clients do not
// come to own the status.
func (k *kind) newFieldManager() *managedfields.FieldManager {
	reset := map[fieldpath.APIVersion]*fieldpath.Set{
		fieldpath.APIVersion(k.gvk.GroupVersion().String()): fieldpath.NewSet(fieldpath.MakePathOrDie("status")),
	}
	m, err := managedfields.NewDefaultFieldManager(converter(), scheme(), scheme(), scheme(), k.gvk, k.gvk.GroupVersion(), "",
		fieldpath.NewExcludeFilterSetMap(reset))
	if err != nil {
		panic(fmt.Sprintf("memserver: %v", err))
	}
	return m
}

// of gives a prepare function of a type the type of all.
func of[T Object](prepare func(s *Server, object, old T) error) func(*Server, Object, Object) error {
	return func(s *Server, object, old Object) error {
		before, _ := old.(T)
		return prepare(s, object.(T), before) //nolint:forcetypeassert // an object of the kind
	}
}

// newScheme returns a scheme of the kinds with the server's defaults.
func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme} {
		if err := add(s); err != nil {
			panic(fmt.Sprintf("memserver: %v", err))
		}
	}
	s.AddTypeDefaultingFunc(&appsv1.StatefulSet{}, func(o any) { defaultStatefulSet(o.(*appsv1.StatefulSet)) }) //nolint:forcetypeassert // of this type
	s.AddTypeDefaultingFunc(&corev1.Service{}, func(o any) { defaultService(o.(*corev1.Service)) })             //nolint:forcetypeassert // of this type
	return s
}
