package main

import (
	"context"
	_ "embed" // statefulset.yaml
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

const (
	namespace = "default"
	container = "dittofs"
)

//go:embed statefulset.yaml
var manifest []byte

// write is a write of a manager that owns fields of the workload: an apply or a
// merge patch.
type write struct {
	manager     string
	patch       types.PatchType
	subresource string
	body        string // YAML
}

func applied(manager, body string) write {
	return write{manager: manager, patch: types.ApplyYAMLPatchType, body: "apiVersion: apps/v1\nkind: StatefulSet\n" + body}
}

func merged(manager, subresource, body string) write {
	return write{manager: manager, patch: types.MergePatchType, subresource: subresource, body: body}
}

// always are the writes of any workload in a GitOps cluster: its declaration, its
// controller's status, and an autoscaler's scale.
var always = []write{
	{manager: testenv.ArgoCD, patch: types.ApplyYAMLPatchType, body: string(manifest)},
	merged(testenv.ControllerManager, "status", `status: {observedGeneration: 1, replicas: 3, readyReplicas: 3, availableReplicas: 3,
  currentReplicas: 3, updatedReplicas: 3, collisionCount: 0, currentRevision: dittofs-7d4b9c5f6, updateRevision: dittofs-7d4b9c5f6}`),
	merged(testenv.ControllerManager, "scale", `spec: {replicas: 4}`),
}

// sometimes are writes of six more managers, as tools and people make them.
var sometimes = []write{
	merged("kubectl-rollout", "", `spec: {template: {metadata: {annotations: {kubectl.kubernetes.io/restartedAt: "2026-01-01T00:00:00Z"}}}}`),
	merged("kubectl-annotate", "", `metadata: {annotations: {example.com/on-call: storage, example.com/runbook: https://runbooks.example.com/dittofs}}`),
	merged("kyverno", "", `metadata: {labels: {policy.example.com/checked: "true"}, annotations: {policies.kyverno.io/last-applied-patches: add-labels}}`),
	merged("Reloader", "", `spec: {template: {metadata: {annotations: {reloader.stakater.com/last-reloaded-from: '{"type":"CONFIGMAP","name":"dittofs-config"}'}}}}`),
	applied("otel-operator", `
spec: {template: {spec: {containers: [{name: dittofs, env: [
  {name: OTEL_SERVICE_NAME, value: dittofs}, {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel-collector:4317"},
  {name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio}, {name: OTEL_TRACES_SAMPLER_ARG, value: "0.1"}]}]}}}`),
	applied("backup-operator", `
spec: {template: {spec: {containers: [{name: backup, image: "registry.example.com/storage/backup:2.3.0", args: [serve],
  ports: [{name: backup, containerPort: 9100, protocol: TCP}], resources: {limits: {memory: 256Mi}},
  volumeMounts: [{name: content, mountPath: /data/content, readOnly: true}]}]}}}`),
}

// entriesOfTen is the number of managedFields entries of a workload after always,
// sometimes and an apply of portside's.
const entriesOfTen = 10

// adapters returns two active adapters. nfs has one of two ports, so that two
// reconciles with different turns change one port.
func adapters(turn int) []apply.Adapter {
	return []apply.Adapter{
		{Type: "nfs", Port: int64(12049 + turn%2)},
		{Type: "smb", Port: 1445},
	}
}

// create creates a workload by the writes.
func create(ctx context.Context, client kubernetes.Interface, name string, writes []write) error {
	for _, w := range writes {
		if err := w.send(ctx, client, name); err != nil {
			return fmt.Errorf("%s writes %s: %w", w.manager, name, err)
		}
	}
	return nil
}

func (w write) send(ctx context.Context, client kubernetes.Interface, name string) error {
	var object map[string]any
	if err := yaml.Unmarshal([]byte(w.body), &object); err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: w.manager}
	if w.patch == types.ApplyYAMLPatchType {
		(&unstructured.Unstructured{Object: object}).SetName(name)
		options.Force = new(true) // as Argo CD does
	}
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	var subresources []string
	if w.subresource != "" {
		subresources = []string{w.subresource}
	}
	_, err = client.AppsV1().StatefulSets(namespace).Patch(ctx, name, w.patch, body, options, subresources...)
	return err
}

// size is the size of a workload as JSON.
type size struct {
	Object        int `json:"objectBytes"`
	ManagedFields int `json:"managedFieldsBytes"` // of Object
	Entries       int `json:"managedFieldsEntries"`
}

func sizeOf(s *appsv1.StatefulSet) (size, error) {
	object, err := json.Marshal(s)
	if err != nil {
		return size{}, err
	}
	managed, err := json.Marshal(s.ManagedFields)
	return size{Object: len(object), ManagedFields: len(managed), Entries: len(s.ManagedFields)}, err
}

func (s size) String() string {
	return fmt.Sprintf("%.1f KiB, %.1f of them managedFields with %d entries",
		float64(s.Object)/1024, float64(s.ManagedFields)/1024, s.Entries)
}
