package install_test

import (
	"context"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// try is an attack. It returns the server's refusal.
type try func(ctx context.Context, s *victim, c dynamic.Interface) error

// Resources in the format of schema.ParseResourceArg.
const (
	secretsOf   = "secrets.v1."
	configMaps  = "configmaps.v1."
	pods        = "pods.v1."
	servicesOf  = "services.v1."
	deployments = "deployments.v1.apps"
	aset        = "adaptersets.v1alpha1.portside.dev"
	leases      = "leases.v1.coordination.k8s.io"
	coreEvents  = "events.v1."
	eventsOf    = "events.v1.events.k8s.io"
	bindings    = "rolebindings.v1.rbac.authorization.k8s.io"
)

func (s *victim) resource(c dynamic.Interface, resource, namespace string) dynamic.ResourceInterface {
	gvr, _ := schema.ParseResourceArg(resource)
	if namespace == "" {
		return c.Resource(*gvr)
	}
	return c.Resource(*gvr).Namespace(s.fill(namespace))
}

func reads(resource, namespace, name string) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		return second(s.resource(c, resource, namespace).Get(ctx, s.fill(name), metav1.GetOptions{}))
	}
}

func lists(resource, namespace string) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		return second(s.resource(c, resource, namespace).List(ctx, metav1.ListOptions{}))
	}
}

func watching(resource, namespace string) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		w, err := s.resource(c, resource, namespace).Watch(ctx, metav1.ListOptions{})
		if err == nil {
			w.Stop()
		}
		return err
	}
}

// creates returns a try that creates an object, given as YAML, or one of its subresources.
func creates(resource, namespace, object string, subresources ...string) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		o, err := testenv.Object(s.fill(object))
		if err != nil {
			return err
		}
		o.SetNamespace(s.fill(namespace))
		return second(s.resource(c, resource, namespace).Create(ctx, o, metav1.CreateOptions{}, subresources...))
	}
}

// patches returns a try that sends a patch, under portside's field manager unless
// it names another.
func patches(resource, namespace, name string, w write) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		options, subresources := w.options(s.manager)
		data := strings.Replace(s.fill(string(w.expand(workload.Deployment, s.manager))), "metadata: {name: dittofs", "metadata: {name: "+s.fill(name), 1)
		return second(s.resource(c, resource, namespace).Patch(ctx, s.fill(name), w.patch, []byte(data), options, subresources...))
	}
}

func merged(data string) write { return write{patch: types.MergePatchType, data: data} }

func deletes(resource, namespace, name string) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		return s.resource(c, resource, namespace).Delete(ctx, s.fill(name), metav1.DeleteOptions{})
	}
}

// strategic returns a strategic merge patch of a container's ports.
func strategic(port string) write {
	return write{patch: types.StrategicMergePatchType, data: `{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","ports":[` + port + `]}]}}}}`}
}

// updates returns a try that replaces an object by itself.
func updates(resource, namespace, name string) try {
	return func(ctx context.Context, s *victim, c dynamic.Interface) error {
		live, err := s.resource(c, resource, namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return second(s.resource(c, resource, namespace).Update(ctx, live, metav1.UpdateOptions{FieldManager: s.manager}))
	}
}

// impersonates returns a try that reads as a user of a group.
func impersonates(group string) try {
	return func(ctx context.Context, s *victim, _ dynamic.Interface) error {
		as := rest.CopyConfig(s.configs[token])
		as.Impersonate = rest.ImpersonationConfig{UserName: "evil", Groups: []string{group}}
		return lists(secretsOf, "")(ctx, s, dynamicClient(s.t, as))
	}
}
