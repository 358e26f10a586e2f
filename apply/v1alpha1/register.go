package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is the kind of an AdapterSet.
const Kind = "AdapterSet"

// GroupVersion is the API group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "portside.dev", Version: "v1alpha1"}

// SchemeGroupVersion is GroupVersion, by the name that generated code knows.
var SchemeGroupVersion = GroupVersion

var schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme adds the types of this package to a scheme, so that clients can
// read and write them.
var AddToScheme = schemeBuilder.AddToScheme

// Resource gives the group's resource of this name, for API errors.
func Resource(resource string) schema.GroupResource {
	return GroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &AdapterSet{}, &AdapterSetList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
