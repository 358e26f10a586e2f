package helm_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	action3 "helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/loader"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv/peers/compat"
)

// valuesBefore are the values of the chart before `image` had parts.
const valuesBefore = "testdata/values-before.yaml"

// TestChart_lint runs helm lint --strict of Helm 4 and of Helm 3 with the default values,
// the values of before and every value.
func TestChart_lint(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]map[string]any{"defaults": {}, "values of before": readValues(t, valuesBefore), "every value": parseValues(t, everyValue)} {
		lint := action.NewLint()
		lint.Strict, lint.Namespace = true, "portside-system"
		result := lint.Run([]string{portsideChart}, values)
		if result.TotalChartsLinted != 1 || len(result.Errors) > 0 || len(result.Messages) > 0 {
			t.Errorf("%s: %d charts: %q %q", name, result.TotalChartsLinted, result.Errors, result.Messages)
		}
		lint3 := action3.NewLint()
		lint3.Strict, lint3.Namespace = true, "portside-system"
		result3 := lint3.Run([]string{portsideChart}, values)
		if result3.TotalChartsLinted != 1 || len(result3.Errors) > 0 || len(result3.Messages) > 0 {
			t.Errorf("%s: Helm 3: %d charts: %q %q", name, result3.TotalChartsLinted, result3.Errors, result3.Messages)
		}
	}
}

// TestChart_image expects the image that the parts or the text name.
func TestChart_image(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct{ values, image string }{
		"defaults":          {"{}", "portside:v0.1.0"},
		"repository":        {"{image: {repository: 'registry.example:5000/portside'}}", "registry.example:5000/portside:v0.1.0"},
		"tag":               {"{image: {tag: v1}}", "portside:v1"},
		"digest and no tag": {"{image: {repository: a/b, digest: '" + digest + "'}}", "a/b@" + digest},
		"digest and tag":    {"{image: {repository: a/b, tag: v1, digest: '" + digest + "'}}", "a/b@" + digest},
		"text":              {"{image: 'registry.example/portside:v1'}", "registry.example/portside:v1"},
	} {
		if d := deployment(t, renderValues(t, parseValues(t, test.values))); d.Spec.Template.Spec.Containers[0].Image != test.image {
			t.Errorf("%s: the image is %q, want %q", name, d.Spec.Template.Spec.Containers[0].Image, test.image)
		}
	}
}

// everyValue sets what neither portside install nor another test sets.
const everyValue = `
image: {repository: registry.example/portside, pullPolicy: Always}
imagePullSecrets: [{name: registry}]
replicas: 3
extraArgs: [--max-concurrent-rollouts=20]
serviceAccount: {annotations: {example.com/role: portside}}
podAnnotations: {example.com/a: b}
podLabels: {example.com/team: files}
resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}
priorityClassName: system-cluster-critical
nodeSelector: {kubernetes.io/os: linux}
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
tolerations: [{key: a, operator: Exists}]
topologySpreadConstraints: [{topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]
metrics: {certificateSecret: portside-metrics, serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 30s}}
`

// TestChart_workload expects each value at its place in the Deployment, which a strict
// decoder reads, and in the ServiceAccount.
func TestChart_workload(t *testing.T) {
	t.Parallel()
	all := renderValues(t, parseValues(t, everyValue))
	d := deployment(t, all)
	pod := d.Spec.Template.Spec
	container := pod.Containers[0]
	for what, is := range map[string]bool{
		"replicas":                  *d.Spec.Replicas == 3,
		"pullPolicy":                container.ImagePullPolicy == corev1.PullAlways,
		"imagePullSecrets":          equality.Semantic.DeepEqual(pod.ImagePullSecrets, []corev1.LocalObjectReference{{Name: "registry"}}),
		"extraArgs":                 container.Args[len(container.Args)-1] == "--max-concurrent-rollouts=20",
		"podAnnotations":            d.Spec.Template.Annotations["example.com/a"] == "b",
		"podLabels":                 d.Spec.Template.Labels["example.com/team"] == "files",
		"resources":                 container.Resources.Requests.Cpu().String() == "1" && container.Resources.Limits.Memory().String() == "1Gi" && len(container.Resources.Requests) == 1,
		"priorityClassName":         pod.PriorityClassName == "system-cluster-critical",
		"nodeSelector":              pod.NodeSelector["kubernetes.io/os"] == "linux",
		"affinity":                  pod.Affinity != nil && pod.Affinity.NodeAffinity != nil,
		"tolerations":               len(pod.Tolerations) == 1 && pod.Tolerations[0].Key == "a",
		"topologySpreadConstraints": len(pod.TopologySpreadConstraints) == 1 && pod.TopologySpreadConstraints[0].TopologyKey == "topology.kubernetes.io/zone",
		"certificateSecret": slices.Contains(container.Args, "--metrics-cert-dir=/etc/portside/metrics") &&
			pod.Volumes[0].Secret.SecretName == "portside-metrics" && container.VolumeMounts[0].MountPath == "/etc/portside/metrics",
		"serviceAccount": annotation(all["v1 ServiceAccount portside-system portside"], "example.com/role") == "portside",
	} {
		if !is {
			t.Errorf("%s is not in the Deployment or the ServiceAccount:\n%v", what, d)
		}
	}
	for name, label := range map[string]string{"name": "portside", "instance": "portside"} {
		if key := "app.kubernetes.io/" + name; d.Spec.Selector.MatchLabels[key] != label || d.Spec.Template.Labels[key] != label {
			t.Errorf("the Deployment selects %v, and its pods have the labels %v", d.Spec.Selector.MatchLabels, d.Spec.Template.Labels)
		}
	}
}

// TestChart_replicas expects a PodDisruptionBudget for more than one replica.
func TestChart_replicas(t *testing.T) {
	t.Parallel()
	for replicas, want := range map[int]bool{1: false, 2: true, 3: true} {
		all := renderValues(t, map[string]any{"replicas": replicas})
		if is := all["policy/v1 PodDisruptionBudget portside-system portside"] != nil; is != want {
			t.Errorf("%d replicas: there is a PodDisruptionBudget: %t", replicas, is)
		}
	}
}

// TestChart_serviceMonitor expects what examples/monitoring shows, for the pods of this
// installation.
func TestChart_serviceMonitor(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../examples/monitoring/servicemonitor.yaml")
	compat.Must(t, err)
	var example map[string]any
	compat.Must(t, yaml.Unmarshal(text, &example))
	all := renderValues(t, parseValues(t, "{metrics: {certificateSecret: portside-metrics, serviceMonitor: {enabled: true, labels: {release: prometheus}}}}"))
	monitor := all["monitoring.coreos.com/v1 ServiceMonitor portside-system portside"].(map[string]any)
	if spec, want := monitor["spec"].(map[string]any), example["spec"].(map[string]any); !equality.Semantic.DeepEqual(spec["endpoints"], want["endpoints"]) {
		t.Errorf("the endpoints are\n%v\nthe example's\n%v", spec["endpoints"], want["endpoints"])
	}
	labels, _, _ := unstructured.NestedStringMap(monitor, "metadata", "labels")
	selected, _, _ := unstructured.NestedStringMap(monitor, "spec", "selector", "matchLabels")
	of, _, _ := unstructured.NestedStringMap(all["v1 Service portside-system portside"].(map[string]any), "metadata", "labels")
	if labels["release"] != "prometheus" || len(selected) == 0 {
		t.Errorf("labels %v, selector %v", labels, selected)
	}
	for key, value := range selected {
		if of[key] != value {
			t.Errorf("the ServiceMonitor selects %s=%s, and the Service has %v", key, value, of)
		}
	}
}

// TestChart_labels expects the standard labels on every object but the CRD and the roles
// that installations share.
func TestChart_labels(t *testing.T) {
	t.Parallel()
	all := renderValues(t, map[string]any{"fieldManager": "blue", "services": true, "discoveryNamespaces": []any{"storage"}})
	for id, object := range all {
		if strings.Contains(id, "CustomResourceDefinition") || strings.Contains(id, " portside-adaptersets-") || strings.HasSuffix(id, " portside-metrics-reader") {
			continue
		}
		labels, _, _ := unstructured.NestedStringMap(object.(map[string]any), "metadata", "labels")
		if want := map[string]string{
			"app.kubernetes.io/name": "portside", "app.kubernetes.io/instance": "blue", "app.kubernetes.io/version": "v0.1.0",
			"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "portside-0.1.0",
		}; !equality.Semantic.DeepEqual(labels, want) {
			t.Errorf("%s has the labels %v", id, labels)
		}
	}
}

// TestChart_previousValues renders the chart with nothing but the values of before, as
// helm upgrade --reuse-values does. The result is that of the defaults.
func TestChart_previousValues(t *testing.T) {
	t.Parallel()
	loaded, err := loader.Load(portsideChart)
	compat.Must(t, err)
	loaded.(*chart.Chart).Values = readValues(t, valuesBefore)
	rendered, err := choice{}.template(t, loaded, map[string]any{})
	compat.Must(t, err)
	got, want := objects(t, rendered), renderValues(t, map[string]any{"image": "portside:devel"})
	if len(got) != len(want) {
		t.Errorf("%d objects, want %d", len(got), len(want))
	}
	for id := range want {
		if !equality.Semantic.DeepEqual(got[id], want[id]) {
			t.Errorf("%s is\n%v\nwant\n%v", id, got[id], want[id])
		}
	}
}

// TestChart_metadata expects the version that a release has, and metadata that Artifact
// Hub can read.
func TestChart_metadata(t *testing.T) {
	t.Parallel()
	loaded, err := loader.Load(portsideChart)
	compat.Must(t, err)
	c := loaded.(*chart.Chart)
	if m := c.Metadata; m.AppVersion != "v"+m.Version || m.Home == "" || m.Icon == "" || len(m.Sources) == 0 || len(m.Maintainers) == 0 || len(m.Keywords) == 0 {
		t.Errorf("the metadata is %+v", m)
	}
	var crds []struct{ Kind, Version, Name, DisplayName, Description string }
	compat.Must(t, yaml.UnmarshalStrict([]byte(c.Metadata.Annotations["artifacthub.io/crds"]), &crds))
	var crd map[string]any
	compat.Must(t, yaml.Unmarshal(c.CRDObjects()[0].File.Data, &crd))
	kind, _, _ := unstructured.NestedString(crd, "spec", "names", "kind")
	name, _, _ := unstructured.NestedString(crd, "metadata", "name")
	if len(crds) != 1 || crds[0].Kind != kind || crds[0].Name != name {
		t.Errorf("Artifact Hub reads the CRDs %v, the chart has %s %s", crds, kind, name)
	}
	for _, key := range []string{"artifacthub.io/crdsExamples", "artifacthub.io/links"} {
		var list []map[string]any
		compat.Must(t, yaml.UnmarshalStrict([]byte(c.Metadata.Annotations[key]), &list))
		if len(list) == 0 {
			t.Errorf("no %s", key)
		}
	}
	for _, file := range slices.Concat(c.Files, c.Templates) {
		if strings.HasSuffix(file.Name, ".go") {
			t.Errorf("the chart contains %s", file.Name)
		}
	}
}

// renderValues returns the objects that helm template prints.
func renderValues(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	loaded, err := loader.Load(portsideChart)
	compat.Must(t, err)
	rendered, err := choice{}.template(t, loaded, values)
	compat.Must(t, err)
	return objects(t, rendered)
}

func readValues(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	compat.Must(t, err)
	return parseValues(t, string(text))
}

func parseValues(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	compat.Must(t, yaml.Unmarshal([]byte(text), &values))
	return values
}

// deployment returns the Deployment among objects, read strictly.
func deployment(t *testing.T, all map[string]any) appsv1.Deployment {
	t.Helper()
	for id, object := range all {
		if strings.HasPrefix(id, "apps/v1 Deployment ") {
			text, err := yaml.Marshal(object)
			compat.Must(t, err)
			var d appsv1.Deployment
			compat.Must(t, yaml.UnmarshalStrict(text, &d))
			return d
		}
	}
	t.Fatal("no Deployment")
	return appsv1.Deployment{}
}

func annotation(object any, key string) string {
	content, _ := object.(map[string]any)
	annotations, _, err := unstructured.NestedStringMap(content, "metadata", "annotations")
	if err != nil {
		return fmt.Sprint(err)
	}
	return annotations[key]
}
