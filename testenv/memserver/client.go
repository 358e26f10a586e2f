package memserver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/portside-dev/portside/apply/workload"
)

// Client returns a client with which portside's own code writes to the server.
func (s *Server) Client() workload.Client { return client{s} }

type client struct{ server *Server }

func (c client) Get(_ context.Context, d *workload.Definition, namespace, name string) (workload.Object, error) {
	return typed(c.server.Get(d.Kind.Kind, namespace, name))
}

func (c client) Apply(_ context.Context, d *workload.Definition, namespace, name string, configuration any, o metav1.ApplyOptions) (workload.Object, error) {
	text, err := json.Marshal(configuration)
	if err != nil {
		return nil, err
	}
	var content map[string]any
	if err := utiljson.Unmarshal(text, &content); err != nil {
		return nil, err
	}
	return typed(c.server.Apply(d.Kind.Kind, namespace, name, content, Options{Manager: o.FieldManager, Force: o.Force, DryRun: isDryRun(o.DryRun)}))
}

func (c client) Patch(_ context.Context, d *workload.Definition, namespace, name string, patch []byte, o metav1.PatchOptions) (workload.Object, error) {
	return typed(c.server.Patch(d.Kind.Kind, namespace, name, types.JSONPatchType, patch, Options{Manager: o.FieldManager, DryRun: isDryRun(o.DryRun)}))
}

func isDryRun(options []string) bool { return slices.Contains(options, metav1.DryRunAll) }

// typed returns a stored object as the client's kinds read it.
func typed(object Object, err error) (workload.Object, error) {
	if err != nil {
		return nil, err
	}
	o, ok := object.(workload.Object)
	if !ok {
		return nil, fmt.Errorf("a %T is no object of a client", object)
	}
	return o, nil
}
