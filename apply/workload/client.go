package workload

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Client is what portside needs of the API server. [ClientGo] and [ControllerRuntime]
// return one.
type Client interface {
	// Get reads an object.
	Get(ctx context.Context, d *Definition, namespace, name string) (Object, error)
	// Apply applies a configuration, which it sends as JSON, and returns the object
	// that the server answers.
	Apply(ctx context.Context, d *Definition, namespace, name string, configuration any, o metav1.ApplyOptions) (Object, error)
	// Patch sends a JSON patch (RFC 6902) and returns the object that the server
	// answers.
	Patch(ctx context.Context, d *Definition, namespace, name string, patch []byte, o metav1.PatchOptions) (Object, error)
}

// ClientGo returns a client that uses client-go's clientset, of which it takes
// AppsV1(). Kinds of other API groups are reached over the same connection.
func ClientGo(apps appsclient.AppsV1Interface) Client { return clientGo{apps.RESTClient()} }

type clientGo struct{ rest rest.Interface }

func (c clientGo) Get(ctx context.Context, d *Definition, namespace, name string) (Object, error) {
	return c.do(ctx, d, c.rest.Get().VersionedParams(&metav1.GetOptions{}, scheme.ParameterCodec), namespace, name)
}

func (c clientGo) Apply(ctx context.Context, d *Definition, namespace, name string, configuration any, o metav1.ApplyOptions) (Object, error) {
	body, err := json.Marshal(configuration)
	if err != nil {
		return nil, err
	}
	return c.patch(ctx, d, types.ApplyYAMLPatchType, namespace, name, body, o.ToPatchOptions())
}

func (c clientGo) Patch(ctx context.Context, d *Definition, namespace, name string, patch []byte, o metav1.PatchOptions) (Object, error) {
	return c.patch(ctx, d, types.JSONPatchType, namespace, name, patch, o)
}

func (c clientGo) patch(ctx context.Context, d *Definition, kind types.PatchType, namespace, name string, body []byte, o metav1.PatchOptions) (Object, error) {
	return c.do(ctx, d, c.rest.Patch(kind).VersionedParams(&o, scheme.ParameterCodec).Body(body), namespace, name)
}

// List lists the workloads of a kind, in a namespace or in all, by client-go's clientset.
func List(ctx context.Context, apps appsclient.AppsV1Interface, d *Definition, namespace string, o metav1.ListOptions) (ObjectList, error) {
	list := d.NewList()
	r := apps.RESTClient().Get().VersionedParams(&o, scheme.ParameterCodec).NamespaceIfScoped(namespace, namespace != "")
	return list, decodeInto(ctx, d, r, list)
}

// do sends a request about one object.
func (c clientGo) do(ctx context.Context, d *Definition, r *rest.Request, namespace, name string) (Object, error) {
	object := d.New()
	return object, decodeInto(ctx, d, r.Namespace(namespace).Name(name), object)
}

// decodeInto sends a request about objects of a kind. Types that client-go does not know
// are decoded from JSON, as custom resources are served.
func decodeInto(ctx context.Context, d *Definition, r *rest.Request, into runtime.Object) error {
	path := []string{"/apis", d.Kind.Group, d.Version}
	if d.Kind.Group == "" { // the core group
		path = []string{"/api", d.Version}
	}
	r = r.AbsPath(path...).Resource(d.Resource)
	if scheme.Scheme.Recognizes(d.GroupVersion().WithKind(d.Kind.Kind)) {
		return r.UseProtobufAsDefault().Do(ctx).Into(into)
	}
	result := r.Do(ctx)
	if err := result.Error(); err != nil { // which reads the Status, as Raw does not
		return err
	}
	raw, err := result.Raw()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// ControllerRuntime returns a client that uses controller-runtime's. That must read
// from the API server, as the one of [client.New] does: with the client of a manager,
// which reads from its cache, an answer may be older than the last write.
func ControllerRuntime(c client.Client) Client { return controllerRuntime{c} }

type controllerRuntime struct{ client client.Client }

func (c controllerRuntime) Get(ctx context.Context, d *Definition, namespace, name string) (Object, error) {
	object := d.New()
	return object, c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
}

func (c controllerRuntime) Apply(ctx context.Context, d *Definition, namespace, name string, configuration any, o metav1.ApplyOptions) (Object, error) {
	body, err := json.Marshal(configuration)
	if err != nil {
		return nil, err
	}
	return c.patch(ctx, d, client.RawPatch(types.ApplyYAMLPatchType, body), namespace, name, o.ToPatchOptions())
}

func (c controllerRuntime) Patch(ctx context.Context, d *Definition, namespace, name string, patch []byte, o metav1.PatchOptions) (Object, error) {
	return c.patch(ctx, d, client.RawPatch(types.JSONPatchType, patch), namespace, name, o)
}

func (c controllerRuntime) patch(ctx context.Context, d *Definition, patch client.Patch, namespace, name string, o metav1.PatchOptions) (Object, error) {
	object := d.New()
	object.SetNamespace(namespace)
	object.SetName(name)
	return object, c.client.Patch(ctx, object, patch, &client.PatchOptions{FieldManager: o.FieldManager, DryRun: o.DryRun})
}
