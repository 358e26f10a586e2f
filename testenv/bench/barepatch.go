package main

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
)

// newBarePatch sends a ready-made server-side apply of the ports, and nothing else. It is
// the least that any apply costs and not a way to keep ports: without a read it knows
// neither what other managers own nor whether there is anything to do.
func newBarePatch(config *rest.Config, name string) (reconcile, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	bodies := map[int64][]byte{} // by the port of the first adapter
	for turn := range 2 {
		body, err := json.Marshal(partial(namespace, name, "", adapters(turn)))
		if err != nil {
			return nil, err
		}
		bodies[adapters(turn)[0].Port] = body
	}
	var version string
	return func(ctx context.Context, adapters []apply.Adapter) (bool, error) {
		s, err := client.AppsV1().StatefulSets(namespace).Patch(ctx, name, types.ApplyYAMLPatchType, bodies[adapters[0].Port],
			metav1.PatchOptions{FieldManager: apply.DefaultFieldManager})
		if err != nil {
			return false, err
		}
		changed := s.ResourceVersion != version
		version = s.ResourceVersion
		return changed, nil
	}, nil
}
