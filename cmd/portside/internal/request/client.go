package request

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// FieldManager is the one that the requests are written under. It differs from that of
// the service, whose apply would remove them.
const FieldManager = "portside-cli"

// Resource is that of AdapterSets.
var Resource = v1alpha1.GroupVersion.WithResource("adaptersets")

// Client reads AdapterSets and writes requests to them.
type Client struct {
	sets   dynamic.NamespaceableResourceInterface
	dryRun []string
}

// NewClient returns a client. With dryRun the API server stores nothing.
func NewClient(config *rest.Config, dryRun bool) (*Client, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c := &Client{sets: client.Resource(Resource)}
	if dryRun {
		c.dryRun = []string{metav1.DryRunAll}
	}
	return c, nil
}

// Get returns an AdapterSet.
func (c *Client) Get(ctx context.Context, namespace, name string) (*v1alpha1.AdapterSet, error) {
	object, err := c.sets.Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return typed(object)
}

// List returns the AdapterSets of a namespace that a selector of labels selects; an empty
// namespace stands for all.
func (c *Client) List(ctx context.Context, namespace, selector string) ([]*v1alpha1.AdapterSet, error) {
	list, err := c.sets.Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var sets []*v1alpha1.AdapterSet
	for i := range list.Items {
		set, err := typed(&list.Items[i])
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

func typed(object *unstructured.Unstructured) (*v1alpha1.AdapterSet, error) {
	set := &v1alpha1.AdapterSet{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, set); err != nil {
		return nil, fmt.Errorf("cannot read AdapterSet %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	return set, nil
}
