package helm_test

import (
	"log/slog"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/portside"
)

const portsideChart = "../../../examples/chart"

// choice is a choice of options, as flags of install and as values of the chart.
type choice struct {
	flags       []string
	values      map[string]any
	namespace   string // portside-system by default
	kubeVersion string // the newest by default
}

var choices = map[string]choice{
	"none":            {},
	"image":           {flags: []string{"--image=registry.example/portside:v1"}, values: map[string]any{"image": "registry.example/portside:v1"}},
	"namespace":       {flags: []string{"--namespace=elsewhere"}, namespace: "elsewhere"},
	"field manager":   {flags: []string{"--field-manager=blue"}, values: map[string]any{"fieldManager": "blue"}},
	"watch namespace": {flags: []string{"--watch-namespace=storage"}, values: map[string]any{"watchNamespace": "storage"}},
	"discovery":       {flags: []string{"--discovery-namespace=a,b"}, values: map[string]any{"discoveryNamespaces": []any{"a", "b"}}},
	"discovery there": {
		flags:  []string{"--watch-namespace=storage", "--discovery-namespace=storage"},
		values: map[string]any{"watchNamespace": "storage", "discoveryNamespaces": []any{"storage"}},
	},
	"excluded":         {flags: []string{"--exclude-namespace=kube-system,infra"}, values: map[string]any{"excludeNamespaces": []any{"kube-system", "infra"}}},
	"none excluded":    {flags: []string{"--exclude-namespace="}, values: map[string]any{"excludeNamespaces": []any{}}},
	"services":         {flags: []string{"--services"}, values: map[string]any{"services": true}},
	"services there":   {flags: []string{"--services", "--watch-namespace=storage"}, values: map[string]any{"services": true, "watchNamespace": "storage"}},
	"no policies":      {flags: []string{"--watch-namespace=storage", "--without-policies"}, values: map[string]any{"watchNamespace": "storage", "policies": false}},
	"with all":         {flags: []string{"--kube-version=1.36"}, kubeVersion: "v1.36.0"},
	"a distribution's": {flags: []string{"--kube-version=1.36"}, kubeVersion: "v1.36.1-gke.1"},
	"without leftover": {flags: []string{"--kube-version=1.35"}, kubeVersion: "v1.35.4-eks-1"},
	"leftover as a beta": {
		flags:  []string{"--kube-version=1.35", "--beta-policies"},
		values: map[string]any{"betaPolicies": true}, kubeVersion: "v1.35.4-eks-1",
	},
	"a beta that is v1 by now": {flags: []string{"--kube-version=1.36", "--beta-policies"}, values: map[string]any{"betaPolicies": true}, kubeVersion: "v1.36.0"},
	"from 1.30 on":             {flags: []string{"--kube-version=1.30"}, kubeVersion: "v1.30.0"},
	"too old for any":          {flags: []string{"--kube-version=1.29"}, kubeVersion: "v1.29.9+k3s1"},
	"names like YAML": {
		flags:     []string{"--image=1:2", "--namespace=on", "--field-manager=1", "--discovery-namespace=y"},
		values:    map[string]any{"image": "1:2", "fieldManager": "1", "discoveryNamespaces": []any{"y"}},
		namespace: "on",
	},
	"many at once": {
		flags:     []string{"--image=i:1", "--namespace=elsewhere", "--field-manager=blue", "--watch-namespace=storage", "--kube-version=1.35"},
		values:    map[string]any{"image": "i:1", "fieldManager": "blue", "watchNamespace": "storage"},
		namespace: "elsewhere", kubeVersion: "v1.35.0",
	},
}

// TestChart_equalsInstall renders portside's chart as helm install does, including
// its schema of values and its versions of Kubernetes. Objects of a release have Helm's
// labels in addition.
func TestChart_equalsInstall(t *testing.T) {
	t.Parallel()
	program := portside.BuildFor(t).Path
	for name, c := range choices {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printed, err := exec.CommandContext(t.Context(), program, append([]string{"install"}, c.flags...)...).Output()
			compat.Must(t, err)
			want := objects(t, string(printed))
			// helm install --create-namespace creates it.
			maps.DeleteFunc(want, func(id string, _ any) bool { return strings.HasPrefix(id, "v1 Namespace ") })
			rendered, err := c.render(t)
			compat.Must(t, err)
			got := objects(t, rendered)
			for _, object := range got {
				labels, _, _ := unstructured.NestedMap(object.(map[string]any), "metadata", "labels")
				if labels == nil {
					continue // a role that installations share
				}
				delete(labels, "helm.sh/chart")
				delete(labels, "app.kubernetes.io/managed-by")
				compat.Must(t, unstructured.SetNestedMap(object.(map[string]any), labels, "metadata", "labels"))
			}
			if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, slices.Sorted(maps.Keys(want))) {
				t.Fatalf("the chart has %q\ninstall prints %q", ids, slices.Sorted(maps.Keys(want)))
			}
			for id := range want {
				if !equality.Semantic.DeepEqual(got[id], want[id]) {
					t.Errorf("%s: the chart has\n%v\ninstall prints\n%v", id, got[id], want[id])
				}
			}
		})
	}
}

// TestChart_userRoles expects that a release without the roles of users has
// everything else.
func TestChart_userRoles(t *testing.T) {
	t.Parallel()
	ofUsers := map[string][]string{
		"":        {"ClusterRole  portside-adaptersets-admin", "ClusterRole  portside-adaptersets-view", "ClusterRole  portside-metrics-reader"},
		"storage": {"Role storage portside-adaptersets-admin", "Role storage portside-adaptersets-view"},
	}
	for watchNamespace, roles := range ofUsers {
		rendered := func(userRoles bool) map[string]any {
			text, err := choice{values: map[string]any{"watchNamespace": watchNamespace, "userRoles": userRoles}}.render(t)
			compat.Must(t, err)
			return objects(t, text)
		}
		with, without := rendered(true), rendered(false)
		for id, object := range with {
			if isOfUsers := slices.Contains(roles, strings.TrimPrefix(id, "rbac.authorization.k8s.io/v1 ")); isOfUsers == equality.Semantic.DeepEqual(without[id], object) {
				t.Errorf("watchNamespace %q: %s is a role of users: %t; without these roles the chart has %v", watchNamespace, id, isOfUsers, without[id])
			}
		}
		if len(without) != len(with)-len(roles) {
			t.Errorf("watchNamespace %q: %d objects, %d without the roles of users", watchNamespace, len(with), len(without))
		}
	}
}

// render returns what helm template prints, with the values of the choice. The default
// image is that of portside install.
func (c choice) render(t *testing.T) (string, error) {
	t.Helper()
	chart, err := loader.Load(portsideChart)
	compat.Must(t, err)
	values := map[string]any{"image": "portside:devel"}
	maps.Copy(values, c.values)
	return c.template(t, chart, values)
}

// template returns what helm template prints for a chart and values.
func (c choice) template(t *testing.T, chart chart.Charter, values map[string]any) (string, error) {
	t.Helper()
	install := action.NewInstall(action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler)))
	install.DryRunStrategy, install.IncludeCRDs, install.ReleaseName = action.DryRunClient, true, "anything"
	install.Namespace = "portside-system"
	if c.namespace != "" {
		install.Namespace = c.namespace
	}
	kube := "v1.37.2"
	if c.kubeVersion != "" {
		kube = c.kubeVersion
	}
	version, err := common.ParseKubeVersion(kube)
	compat.Must(t, err)
	install.KubeVersion = version
	rendered, err := install.RunWithContext(t.Context(), chart, values)
	if err != nil {
		return "", err
	}
	return rendered.(*release.Release).Manifest, nil
}

// objects returns the objects of a file by API version, kind, namespace and name.
func objects(t *testing.T, text string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for document := range strings.SplitSeq("\n"+text, "\n---\n") {
		var content map[string]any
		compat.Must(t, yaml.Unmarshal([]byte(document), &content))
		if len(content) == 0 {
			continue // comments
		}
		o, err := testenv.Object(document)
		compat.Must(t, err)
		id := strings.Join([]string{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}, " ")
		if all[id] != nil {
			t.Errorf("two of %s", id)
		}
		all[id] = o.Object
	}
	return all
}

// TestChart_invalidValues expects that Helm refuses what install refuses too, and
// values that are none of its flags.
func TestChart_invalidValues(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		choice
		text string
	}{
		"an unknown value":     {choice{values: map[string]any{"watchnamespace": "storage"}}, "additional properties 'watchnamespace' not allowed"},
		"an invalid manager":   {choice{values: map[string]any{"fieldManager": "kubectl-x"}}, "/fieldManager"},
		"no manager":           {choice{values: map[string]any{"fieldManager": ""}}, "/fieldManager"},
		"an invalid namespace": {choice{values: map[string]any{"watchNamespace": "A_B"}}, "/watchNamespace"},
		"a long manager":       {choice{values: map[string]any{"fieldManager": strings.Repeat("a", 64)}}, "/fieldManager"},
		"a long namespace":     {choice{values: map[string]any{"watchNamespace": strings.Repeat("a", 64)}}, "/watchNamespace"},
		"no image":             {choice{values: map[string]any{"image": ""}}, "/image"},
		"policies as text":     {choice{values: map[string]any{"policies": "no"}}, "/policies"},
		"no policies":          {choice{values: map[string]any{"policies": false}}, "set watchNamespace as well"},
		"no list":              {choice{values: map[string]any{"discoveryNamespaces": "storage"}}, "/discoveryNamespaces"},
		"a name twice":         {choice{values: map[string]any{"excludeNamespaces": []any{"a", "a"}}}, "/excludeNamespaces"},
		"discovery elsewhere":  {choice{values: map[string]any{"watchNamespace": "storage", "discoveryNamespaces": []any{"media"}}}, `discoveryNamespaces has "media"`},
		"watched, excluded":    {choice{values: map[string]any{"watchNamespace": "kube-system"}}, "excludeNamespaces has watchNamespace"},
		"reserved arguments":   {choice{values: map[string]any{"extraArgs": []any{"--services"}}}, "/extraArgs"},
		"a selected label":     {choice{values: map[string]any{"podLabels": map[string]any{"app.kubernetes.io/name": "x"}}}, "app.kubernetes.io/name"},
		"no replicas":          {choice{values: map[string]any{"replicas": 0}}, "/replicas"},
		"no repository":        {choice{values: map[string]any{"image": map[string]any{"repository": ""}}}, "/image"},
		"a false pull policy":  {choice{values: map[string]any{"image": map[string]any{"pullPolicy": "Sometimes"}}}, "/image"},
		"no certificate":       {choice{values: map[string]any{"metrics": map[string]any{"serviceMonitor": map[string]any{"enabled": true}}}}, "metrics.certificateSecret"},
		"an old cluster":       {choice{kubeVersion: "v1.24.0"}, "incompatible with Kubernetes v1.24.0"},
	} {
		if _, err := test.render(t); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: not refused with %q: %v", name, test.text, err)
		}
	}
}
