package printer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func TestFields_Table(t *testing.T) {
	t.Parallel()
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON([]byte(`{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"},
	  "spec": {"size": 1, "args": ["a"], "loose": [{"a": 1}], "free": 2}}`)); err != nil {
		t.Fatal(err)
	}
	metadata, _ := object.Object["metadata"].(map[string]any)
	metadata["managedFields"] = []any{
		map[string]any{"manager": "m", "operation": "Update", "subresource": "scale", "apiVersion": "example.com/v1", "fieldsType": "FieldsV1",
			"fieldsV1": map[string]any{"f:spec": map[string]any{"f:size": map[string]any{}, "f:args": map[string]any{}, "f:gone": map[string]any{}}}},
	}
	tree, err := ownership.Of(object)
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[printer.Format]string{
		printer.TableFormat: "m|.spec.args <none>|.spec.free <none>|.spec.loose m|.spec.size m|.spec.gone (not in the object)",
		printer.Wide:        "m|Update of scale|<unknown>|.spec.args <none>|<none>|<none>|.spec.free <none>|<none>|<none>|.spec.loose m|Update of scale|<unknown>|.spec.size m|Update of scale|<unknown>|.spec.gone (not in the object)",
	} {
		var rows []string
		for _, row := range printer.FieldsOf(tree).Table(format == printer.Wide).Rows {
			rows = append(rows, strings.Join(row, "|"))
		}
		if diff := cmp.Diff(want, strings.Join(rows, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	var out bytes.Buffer
	if err := (printer.Options{Format: printer.JSON}).Print(printer.Stream{Writer: &out}, printer.FieldsOf(tree)); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"path": ".spec.size",`, `"kind": "Scalar",`, `"subresource": "scale"`, `"missing": true`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %s in\n%s", part, out.String())
		}
	}
}
