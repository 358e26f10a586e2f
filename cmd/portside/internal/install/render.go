package install

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/examples/chart"
)

// order is that of the templates in an installation: the policies are in force
// before portside starts.
var order = []string{
	"serviceaccount.yaml", "role.yaml", "role-discovery.yaml", "role-discovery-binding.yaml", "role-metrics.yaml",
	"role-metrics-reader.yaml", "role-leader-election.yaml", "user-roles.yaml",
	"policy-guard.yaml", "policy-guard-services.yaml", "policy-guard-adaptersets.yaml", "policy-guard-events.yaml", "policy-guard-leases.yaml",
	"policy-name.yaml", "policy-name-services.yaml", "policy-leftover.yaml",
	"deployment.yaml", "poddisruptionbudget.yaml", "service.yaml", "servicemonitor.yaml",
}

// release is what Helm gives to a template. Release.Service is empty: Helm sets it to its
// name, for which the chart labels objects as Helm's.
type release struct {
	Values       map[string]any
	Chart        struct{ Name, Version, AppVersion string }
	Release      struct{ Namespace, Service string }
	Capabilities struct{ KubeVersion struct{ Version string } }
}

// render returns the objects of the chart's templates.
func render(r release) ([]*unstructured.Unstructured, error) {
	templates, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	for _, t := range templates.Templates() {
		if strings.HasSuffix(t.Name(), ".yaml") && !slices.Contains(order, t.Name()) {
			return nil, fmt.Errorf("the template %s has no place in the order of an installation", t.Name())
		}
	}
	var objects []*unstructured.Unstructured
	for _, name := range order {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, name, r); err != nil {
			return nil, err
		}
		rendered, err := decode(text.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		objects = append(objects, rendered...)
	}
	return objects, nil
}

// parseTemplates parses the chart's templates with those of Helm's functions that
// they use.
func parseTemplates() (*template.Template, error) {
	templates := template.New("").Option("missingkey=error")
	templates.Funcs(template.FuncMap{
		"fail": func(why string) (string, error) { return "", errors.New(why) },
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := templates.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"quote":         strconv.Quote,
		"sortAlpha":     func(list []string) []string { return slices.Sorted(slices.Values(list)) },
		"semverCompare": atLeast,
		"default": func(fallback, value any) any {
			if is, _ := template.IsTrue(value); is {
				return value
			}
			return fallback
		},
		"int":     func(number float64) int { return int(number) }, // as sigs.k8s.io/yaml reads numbers
		"kindIs":  func(kind string, value any) bool { return reflect.ValueOf(value).Kind().String() == kind },
		"nindent": func(spaces int, text string) string { return indented(spaces, "\n"+text) },
		"replace": func(old, by, text string) string { return strings.ReplaceAll(text, old, by) },
		"toYaml": func(value any) (string, error) {
			text, err := sigsyaml.Marshal(value)
			return strings.TrimSuffix(string(text), "\n"), err
		},
	})
	return templates.ParseFS(chart.Files, chart.Templates+"/*")
}

// indented returns the text with spaces at the start of each line but the first.
func indented(spaces int, text string) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", spaces))
}

// atLeast is semverCompare for constraints such as ">=1.30-0".
func atLeast(constraint, of string) (bool, error) {
	least, is := strings.CutPrefix(strings.TrimSuffix(constraint, "-0"), ">=")
	if !is {
		return false, fmt.Errorf("cannot compare a version with %q", constraint)
	}
	from, err := version.ParseGeneric(least)
	if err != nil {
		return false, err
	}
	v, err := version.ParseGeneric(of)
	return err == nil && v.AtLeast(from), err
}

func decode(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := sigsyaml.Unmarshal(document, &object.Object); err != nil {
			return nil, err
		}
		if len(object.Object) > 0 { // and not comments alone
			objects = append(objects, object)
		}
	}
}
