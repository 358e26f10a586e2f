package printer_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// annotatedObject has values that are long, that take several lines, and that a terminal
// would obey; lists of every kind, two items with one key, and paths that it lacks.
const annotatedObject = `
apiVersion: example.com/v1
kind: Thing
metadata: {name: web, namespace: shop}
spec:
  long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccc
  text: "one\n two\nthree"
  escape: "\e[31mred"
  "yes": "true"
  empty: {}
  none: null
  args: [[1, 2], [{a: b, c: d}], []]
  items: [{id: 1, deep: {list: [{name: x}]}}, {id: 2}, {id: 2, note: z}]
  set: [a, b]
`

var annotatedManagers = map[string]string{
	"kube-controller-manager-of-a-long-name": `{"f:spec":{"f:long":{},"f:args":{},"f:set":{"v:\"a\"":{},"v:\"gone\"":{}}}}`,
	"b":                                      `{"f:spec":{"f:long":{},"f:text":{},"f:old":{"f:deep":{}},"f:items":{"k:{\"id\":1}":{".":{},"f:deep":{"f:list":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}}}},"k:{\"id\":2}":{}}}}`,
}

// annotate returns the annotated object as a stream gets it.
func annotate(t *testing.T, width int, color bool) string {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(annotatedObject), &object.Object); err != nil {
		t.Fatal(err)
	}
	var managed []metav1.ManagedFieldsEntry
	for _, name := range []string{"kube-controller-manager-of-a-long-name", "b"} {
		managed = append(managed, metav1.ManagedFieldsEntry{
			Manager: name, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "example.com/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(annotatedManagers[name]),
		})
	}
	object.SetManagedFields(managed)
	tree, err := ownership.Of(object)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printer.FieldsOf(tree).Annotate(printer.Stream{Writer: &out, Width: width, Color: color}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// rightColumn returns what is right of the owners, from the column on.
func rightColumn(text string, column int) string {
	var right strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "# ") {
			continue // the legend
		}
		if len(line) > column {
			line = line[column:]
		} else {
			line = "\n"
		}
		right.WriteString(line)
	}
	return right.String()
}

func TestAnnotate_IsTheObject(t *testing.T) {
	t.Parallel()
	text := annotate(t, 0, false)
	before, _, _ := strings.Cut(text, "apiVersion: ")
	column := len(before) - strings.LastIndex(before, "\n") - 1
	var got, want map[string]any
	if err := yaml.Unmarshal([]byte(rightColumn(text, column)), &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := yaml.Unmarshal([]byte(annotatedObject), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the YAML is another object (-want +got):\n%s\n%s", diff, text)
	}
	for _, part := range []string{
		"b, kube-controller-manager-of-a-long-name     long: aaaa",
		"b                                             # old.deep is not in the object\n",
		"kube-controller-manager-of-a-long-name        # [=\"gone\"] is not in the object\n",
		"b                                             - # [id=2], one of 2 items with this key\n",
		"<none>                                        - b\n",
		"args: # atomic\n", `escape: "\e[31mred"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// TestAnnotate_NarrowTerminal: broken lines have every character of the whole ones.
func TestAnnotate_NarrowTerminal(t *testing.T) {
	t.Parallel()
	blanks := regexp.MustCompile(`\s`)
	whole := annotate(t, 0, false)
	for _, width := range []int{20, 40, 80, 120} {
		text := annotate(t, width, false)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width && !strings.HasPrefix(line, "# ") && width >= 40 {
				t.Errorf("width %d: a line of %d characters: %s", width, n, line)
			}
		}
		counts := func(text string) (count [128]int) {
			for _, r := range blanks.ReplaceAllString(text, "") {
				count[r]++
			}
			return count
		}
		if counts(text) != counts(whole) {
			t.Errorf("width %d: characters were lost or added:\n%s", width, text)
		}
	}
}

func TestAnnotate_Color(t *testing.T) {
	t.Parallel()
	colored, plain := annotate(t, 80, true), annotate(t, 80, false)
	if strings.Contains(plain, "\x1b") {
		t.Error("colours without a terminal that takes them")
	}
	if got := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colored, ""); got != plain {
		t.Errorf("without its colours the text differs:\n%s\nnot\n%s", got, plain)
	}
	if !strings.Contains(colored, "\x1b[36mb\x1b[0m") || !strings.Contains(colored, "\x1b[36m  text: |-\x1b[0m") || !strings.Contains(colored, "\x1b[33m  args: # atomic\x1b[0m") {
		t.Errorf("the managers have no colours of their own:\n%q", colored)
	}
}
