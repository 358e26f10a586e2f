package testenv

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// resources are the kinds that managers write, so that no request for discovery is
// sent and counted with those of the test.
var resources = map[string]struct {
	schema.GroupVersionResource
	clusterWide bool
}{
	"StatefulSet":                      {GroupVersionResource: apps("statefulsets")},
	"Deployment":                       {GroupVersionResource: apps("deployments")},
	"DaemonSet":                        {GroupVersionResource: apps("daemonsets")},
	"ReplicaSet":                       {GroupVersionResource: apps("replicasets")},
	"ControllerRevision":               {GroupVersionResource: apps("controllerrevisions")},
	"Pod":                              {GroupVersionResource: core("pods")},
	"Service":                          {GroupVersionResource: core("services")},
	"Secret":                           {GroupVersionResource: core("secrets")},
	"ConfigMap":                        {GroupVersionResource: core("configmaps")},
	"ServiceAccount":                   {GroupVersionResource: core("serviceaccounts")},
	"Namespace":                        {GroupVersionResource: core("namespaces"), clusterWide: true},
	"Node":                             {GroupVersionResource: core("nodes"), clusterWide: true},
	"EndpointSlice":                    {GroupVersionResource: schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}},
	"Lease":                            {GroupVersionResource: schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}},
	"Event":                            {GroupVersionResource: schema.GroupVersionResource{Group: "events.k8s.io", Version: "v1", Resource: "events"}},
	"Role":                             {GroupVersionResource: rbac("roles")},
	"RoleBinding":                      {GroupVersionResource: rbac("rolebindings")},
	"ClusterRole":                      {GroupVersionResource: rbac("clusterroles"), clusterWide: true},
	"ClusterRoleBinding":               {GroupVersionResource: rbac("clusterrolebindings"), clusterWide: true},
	"CustomResourceDefinition":         {GroupVersionResource: schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}, clusterWide: true},
	"MutatingAdmissionPolicy":          {GroupVersionResource: admission("mutatingadmissionpolicies"), clusterWide: true},
	"MutatingAdmissionPolicyBinding":   {GroupVersionResource: admission("mutatingadmissionpolicybindings"), clusterWide: true},
	"ValidatingAdmissionPolicy":        {GroupVersionResource: admission("validatingadmissionpolicies"), clusterWide: true},
	"ValidatingAdmissionPolicyBinding": {GroupVersionResource: admission("validatingadmissionpolicybindings"), clusterWide: true},
	"NetworkPolicy":                    {GroupVersionResource: schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}},
	"DittoServer":                      {GroupVersionResource: schema.GroupVersionResource{Group: "dittofs.dittofs.com", Version: "v1alpha1", Resource: "dittoservers"}},
	"AdapterSet":                       {GroupVersionResource: schema.GroupVersionResource{Group: "portside.dev", Version: "v1alpha1", Resource: "adaptersets"}},
	"Gadget":                           {GroupVersionResource: schema.GroupVersionResource{Group: "owners.portside.dev", Version: "v1", Resource: "gadgets"}},
}

func apps(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

func admission(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: resource}
}

func rbac(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: resource}
}

// resource returns the client of a kind in a namespace, by default the manager's.
func (m *Manager) resource(kind, namespace string) (dynamic.ResourceInterface, error) {
	return m.versionOf(schema.GroupVersionKind{Kind: kind}, namespace)
}

// versionOf is [Manager.resource] for the kind's API version that an object names.
func (m *Manager) versionOf(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	resource, known := resources[kind.Kind]
	if !known {
		return nil, fmt.Errorf("testenv does not know the kind %q; add it to resources", kind.Kind)
	}
	if kind.Version != "" && kind.Group == resource.Group {
		resource.Version = kind.Version
	}
	if resource.clusterWide {
		return m.client.Resource(resource.GroupVersionResource), nil
	}
	if namespace == "" {
		namespace = m.namespace
	}
	return m.client.Resource(resource.GroupVersionResource).Namespace(namespace), nil
}

// target returns the object and its client.
func (m *Manager) target(object any) (*unstructured.Unstructured, dynamic.ResourceInterface, error) {
	u, err := Object(object)
	if err != nil {
		return nil, nil, err
	}
	if u.GetNamespace() == "" && m.namespace != "" && !resources[u.GetKind()].clusterWide {
		u.SetNamespace(m.namespace)
	}
	resource, err := m.versionOf(u.GroupVersionKind(), u.GetNamespace())
	return u, resource, err
}

// Object reads an object from YAML or JSON in a string or []byte, or from anything
// that marshals to an object, such as an apply configuration or a typed object with
// its kind. The result is a copy.
func Object(object any) (*unstructured.Unstructured, error) {
	var text []byte
	var err error
	switch o := object.(type) {
	case *unstructured.Unstructured:
		return o.DeepCopy(), nil
	case string:
		text, err = yaml.YAMLToJSON([]byte(o))
	case []byte:
		text, err = yaml.YAMLToJSON(o)
	default:
		text, err = json.Marshal(object)
	}
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	return u, nil
}
