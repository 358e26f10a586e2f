package examples_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestChartValues checks that the schema describes every value of values.yaml, and that
// the table in chart/README.md has a row for each, with its default and the schema's
// description.
func TestChartValues(t *testing.T) {
	var values, schema map[string]any
	for file, into := range map[string]*map[string]any{"chart/values.yaml": &values, "chart/values.schema.json": &schema} {
		if err := yaml.Unmarshal([]byte(fileText(t, file)), into); err != nil {
			t.Fatal(err)
		}
	}
	delete(schema["properties"].(map[string]any), "global") // of Helm
	var want []string
	for _, value := range described(t, "", values, schema) {
		want = append(want, fmt.Sprintf("| `%s` | `%s` | %s |", value.path, value.def, value.description))
	}
	rows := regexp.MustCompile("(?m)^\\| `.*\\|$").FindAllString(fileText(t, "chart/README.md"), -1)
	slices.Sort(rows)
	slices.Sort(want)
	for _, row := range rows {
		if !slices.Contains(want, row) {
			t.Errorf("chart/README.md has a row that differs from values.yaml and the schema: %s", row)
		}
	}
	for _, row := range want {
		if !slices.Contains(rows, row) {
			t.Errorf("chart/README.md does not have the row %s", row)
		}
	}
}

type describedValue struct{ path, def, description string }

// described returns the values below an object that have no further ones. It fails the
// test for a value that only the object or only its schema has.
func described(t *testing.T, at string, object, schema map[string]any) []describedValue {
	t.Helper()
	if alternatives, is := schema["oneOf"].([]any); is { // the image is a text or an object
		schema = alternatives[len(alternatives)-1].(map[string]any)
	}
	properties, _ := schema["properties"].(map[string]any)
	if names := slices.Sorted(maps.Keys(object)); !slices.Equal(names, slices.Sorted(maps.Keys(properties))) {
		t.Errorf("%s: values.yaml has %q, its schema %q", at, names, slices.Sorted(maps.Keys(properties)))
	}
	var all []describedValue
	for name, value := range object {
		property, _ := properties[name].(map[string]any)
		if below, is := value.(map[string]any); is && len(below) > 0 {
			all = append(all, described(t, at+name+".", below, property)...)
			continue
		}
		def, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		description, _ := property["description"].(string)
		if description == "" {
			t.Errorf("the schema does not describe %s", at+name)
		}
		all = append(all, describedValue{at + name, string(def), description})
	}
	return all
}
