package install_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

const chartFolder = "../../../../examples/chart"

// TestChartEqualsInstall renders the chart, with the part of Helm that it uses, for
// each of install's options.
func TestChartEqualsInstall(t *testing.T) {
	t.Parallel()
	for name, v := range variants {
		o := v.options
		o.Namespace, o.FieldManager, o.Image = "elsewhere", "blue", "portside:v1"
		for _, o := range []install.Options{v.options, o} {
			got, err := rendered(t, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			objects, err := install.Manifests(o)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]any{}
			for _, o := range objects {
				// helm install --create-namespace creates the namespace, and the
				// CRD is in the chart's crds, which Helm does not delete.
				if kind := o.GetKind(); kind != "Namespace" && kind != "CustomResourceDefinition" {
					want[id(o)] = object(t, text(t, []*unstructured.Unstructured{o})).Object
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: (-install +chart):\n%s", name, diff)
			}
		}
	}
}

func TestChartRefusesValues(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]install.Options{
		"set watchNamespace as well":                                   {WithoutPolicies: true},
		`discoveryNamespaces has "b", which is not watchNamespace "a"`: {WatchNamespace: "a", DiscoveryNamespaces: []string{"b"}},
		"excludeNamespaces has watchNamespace":                         {WatchNamespace: "kube-system"},
	} {
		if _, err := rendered(t, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not refused with %q: %v", want, err)
		}
	}
}

// TestChartHasTheCRD compares the CRDs of the chart and of the manifests.
func TestChartHasTheCRD(t *testing.T) {
	t.Parallel()
	theirs, err := os.ReadFile("../../../../examples/install/crd/portside.dev_adaptersets.yaml")
	if err != nil || chartCRD(t) != string(theirs) {
		t.Errorf("the CRDs of the chart and the manifests differ: %v", err)
	}
}

func chartCRD(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFolder, "crds/adaptersets.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rendered returns the chart's objects by kind, namespace and name.
func rendered(t *testing.T, o install.Options) (map[string]any, error) {
	t.Helper()
	chart := template.New("").Option("missingkey=error")
	chart.Funcs(template.FuncMap{
		"fail": func(why string) (string, error) { return "", errors.New(why) },
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := chart.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"sortAlpha": func(list any) []string {
			var sorted []string
			for i := range reflect.ValueOf(list).Len() {
				sorted = append(sorted, fmt.Sprint(reflect.ValueOf(list).Index(i)))
			}
			slices.Sort(sorted)
			return sorted
		},
		"semverCompare": func(least, v string) (bool, error) {
			parsed, err := version.ParseGeneric(v)
			return err == nil && parsed.AtLeast(version.MustParseGeneric(strings.TrimSuffix(strings.TrimPrefix(least, ">="), "-0"))), err
		},
	})
	if _, err := chart.ParseGlob(filepath.Join(chartFolder, "templates/*")); err != nil {
		return nil, err
	}
	objects := map[string]any{}
	for _, file := range chart.Templates() {
		if filepath.Ext(file.Name()) != ".yaml" && file.Name() != "NOTES.txt" {
			continue
		}
		var out strings.Builder
		if err := file.Execute(&out, release(t, o)); err != nil {
			return nil, err
		}
		if file.Name() == "NOTES.txt" || strings.TrimSpace(out.String()) == "" {
			continue
		}
		for document := range strings.SplitSeq(out.String(), "\n---\n") {
			if strings.TrimSpace(document) == "" {
				continue
			}
			o := object(t, document)
			objects[id(o)] = o.Object
		}
	}
	return objects, nil
}

// release returns the data that Helm gives to templates: the chart's values with
// those of the options.
func release(t *testing.T, o install.Options) map[string]any {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(chartFolder, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(file, &values); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"image": o.Image, "fieldManager": o.FieldManager, "watchNamespace": o.WatchNamespace} {
		if value != "" {
			values[name] = value
		}
	}
	values["policies"] = !o.WithoutPolicies
	if o.DiscoveryNamespaces != nil {
		values["discoveryNamespaces"] = o.DiscoveryNamespaces
	}
	if o.ExcludeNamespaces != nil {
		values["excludeNamespaces"] = o.ExcludeNamespaces
	}
	namespace, kube := install.DefaultNamespace, "v1.37.2"
	if o.Namespace != "" {
		namespace = o.Namespace
	}
	if o.KubeVersion != nil {
		kube = "v" + o.KubeVersion.String() + ".0"
	}
	return map[string]any{
		"Values":       values,
		"Release":      map[string]any{"Namespace": namespace},
		"Capabilities": map[string]any{"KubeVersion": map[string]any{"Version": kube}},
	}
}
