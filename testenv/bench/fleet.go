package main

import (
	"context"
	_ "embed" // fleet.yaml
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

//go:embed fleet.yaml
var fleetManifest []byte

// atOnce is the number of requests that each way has under way at most.
const atOnce = 10

// fleet is many workloads of a namespace. Every way has a fleet of its own, made
// the same way, so that none finds fields of another.
type fleet struct {
	namespace string
	names     []string
	uids      []types.UID
	client    kubernetes.Interface
	// turn selects the adapters that the workloads have ports for, see adapters.
	turn int
}

// protobuf returns the configuration of a client that uses protobuf where the
// server does, as the service and operators on controller-runtime do.
func protobuf(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}

func newFleet(ctx context.Context, cp *testenv.ControlPlane, namespace string, targets int) (*fleet, error) {
	const replicas = 3 // as the manifest has them
	return newFleetOf(ctx, cp, namespace, targets, replicas)
}

// newFleetOf makes a fleet of workloads with so many pods.
func newFleetOf(ctx context.Context, cp *testenv.ControlPlane, namespace string, targets, replicas int) (*fleet, error) {
	client, err := kubernetes.NewForConfig(protobuf(cp.Config()))
	if err != nil {
		return nil, err
	}
	f := &fleet{namespace: namespace, client: client, names: make([]string, targets), uids: make([]types.UID, targets)}
	if _, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	for i := range f.names {
		f.names[i] = fmt.Sprintf("dittofs-%05d", i)
	}
	body, err := yaml.YAMLToJSON(fleetManifest)
	if err != nil {
		return nil, err
	}
	return f, f.each(func(i int) error { return f.create(ctx, i, replicas, body) })
}

// create applies the workload as Argo CD does, and sets the status of one whose
// controller is up to date, since no controller runs.
func (f *fleet) create(ctx context.Context, i, replicas int, body []byte) error {
	workloads := f.client.AppsV1().StatefulSets(f.namespace)
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(body); err != nil {
		return err
	}
	object.SetName(f.names[i])
	labels := map[string]string{"app.kubernetes.io/name": f.names[i]}
	if err := errors.Join(
		unstructured.SetNestedField(object.Object, int64(replicas), "spec", "replicas"),
		unstructured.SetNestedStringMap(object.Object, labels, "spec", "selector", "matchLabels"),
		unstructured.SetNestedStringMap(object.Object, labels, "spec", "template", "metadata", "labels"),
	); err != nil {
		return err
	}
	body, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	created, err := workloads.Patch(ctx, f.names[i], types.ApplyYAMLPatchType, body, metav1.PatchOptions{FieldManager: testenv.ArgoCD})
	if err != nil {
		return err
	}
	f.uids[i] = created.UID
	status := fmt.Appendf(nil, `{"status":{"observedGeneration":1000000,"replicas":%[1]d,"readyReplicas":%[1]d,"availableReplicas":%[1]d,"currentReplicas":%[1]d,"updatedReplicas":%[1]d}}`, replicas)
	_, err = workloads.Patch(ctx, f.names[i], types.MergePatchType, status,
		metav1.PatchOptions{FieldManager: testenv.ControllerManager}, "status")
	return err
}

// each calls a function for each workload, at most atOnce at the same time, until
// one fails.
func (f *fleet) each(do func(i int) error) error {
	var calls errgroup.Group
	calls.SetLimit(atOnce)
	for i := range f.names {
		calls.Go(func() error {
			if err := do(i); err != nil {
				return fmt.Errorf("%s/%s: %w", f.namespace, f.names[i], err)
			}
			return nil
		})
	}
	return calls.Wait()
}

// partial returns the object that portside applies: the adapter ports and nothing else
// of the workload. The uid may be empty.
func partial(namespace, name string, uid types.UID, adapters []apply.Adapter) map[string]any {
	var ports []any
	for _, a := range adapters {
		ports = append(ports, map[string]any{"name": apply.PortName(a.Type), "containerPort": a.Port, "protocol": "TCP"})
	}
	metadata := map[string]any{"namespace": namespace, "name": name}
	if uid != "" {
		metadata["uid"] = string(uid)
	}
	containers := []any{map[string]any{"name": container, "ports": ports}}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": workload.StatefulSet.Kind,
		"metadata": metadata,
		"spec":     map[string]any{"template": map[string]any{"spec": map[string]any{"containers": containers}}},
	}
}

// patches returns a ready-made server-side apply of the ports of each workload:
// what portside sends, without the work before it.
func (f *fleet) patches(turn int) ([][]byte, error) {
	bodies := make([][]byte, len(f.names))
	for i, name := range f.names {
		body, err := json.Marshal(partial(f.namespace, name, f.uids[i], adapters(turn)))
		if err != nil {
			return nil, err
		}
		bodies[i] = body
	}
	return bodies, nil
}

// send sends one of the patches.
func (f *fleet) send(ctx context.Context, i int, body []byte) error {
	_, err := f.client.AppsV1().StatefulSets(f.namespace).Patch(ctx, f.names[i], types.ApplyYAMLPatchType, body,
		metav1.PatchOptions{FieldManager: apply.DefaultFieldManager})
	return err
}

// check returns an error unless all workloads have exactly their desired ports, in
// any order, and returns the size of one.
func (f *fleet) check(ctx context.Context) (size, error) {
	list, err := f.client.AppsV1().StatefulSets(f.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return size{}, err
	}
	if len(list.Items) != len(f.names) {
		return size{}, fmt.Errorf("%s has %d workloads, want %d", f.namespace, len(list.Items), len(f.names))
	}
	want := desiredPorts(f.turn)
	for i := range list.Items {
		if has := portsOf(&list.Items[i]); !slices.Equal(has, want) {
			return size{}, fmt.Errorf("%s/%s: the ports are %q, want %q", f.namespace, list.Items[i].Name, has, want)
		}
	}
	return sizeOf(&list.Items[0])
}
