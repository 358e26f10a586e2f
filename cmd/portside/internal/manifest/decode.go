package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// decode decodes a document as the API server does: names match by their case, and
// whole numbers stay whole. Its status is dropped. It refuses what the rules of the
// CRD do not see any more: repeated fields, and how a number was written.
func decode(data []byte) (map[string]any, []problem) {
	tree, err := decodeTree(data)
	if err != nil {
		return nil, []problem{{text: err.Error()}}
	}
	written, ok := tree.(map[string]any)
	if !ok {
		return nil, []problem{{text: "must be an object, not " + describe(tree)}}
	}
	if problems := checkKind(written); len(problems) > 0 {
		return nil, problems
	}
	delete(written, "status")
	problems := append(repeatedFields(data), checkNumbers(written, nil)...)
	var object map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &object); err != nil {
		problems = append(problems, problem{text: err.Error()})
	}
	delete(object, "status")
	return object, problems
}

// decodeTree keeps numbers as they are written.
func decodeTree(data []byte) (any, error) {
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err := decoder.Decode(&tree)
	return tree, err
}

// checkKind comes before everything else: all fields of another kind are unknown,
// which would hide the one thing that is wrong.
func checkKind(object map[string]any) []problem {
	var problems []problem
	for _, want := range []struct{ name, value string }{
		{"apiVersion", v1alpha1.GroupVersion.String()},
		{"kind", v1alpha1.Kind},
	} {
		switch got, given := object[want.name]; {
		case !given:
			problems = append(problems, problem{path: want.name, text: "Required value: must be " + want.value})
		case got != want.value:
			problems = append(problems, problem{path: want.name, text: fmt.Sprintf("must be %s, not %s", want.value, describe(got))})
		}
	}
	return problems
}

// repeatedFields refuses fields that occur twice. JSON leaves open which of the two
// counts.
func repeatedFields(data []byte) []problem {
	var ignored any
	strictErrs, err := kjson.UnmarshalStrict(data, &ignored, kjson.DisallowDuplicateFields)
	if err != nil {
		return []problem{{text: err.Error()}}
	}
	var problems []problem
	for _, err := range strictErrs {
		p := problem{text: err.Error()}
		if repeated, ok := errors.AsType[kjson.FieldError](err); ok {
			p = problem{path: repeated.FieldPath(), text: "repeated field"}
		}
		problems = append(problems, p)
	}
	return problems
}

// checkNumbers refuses numbers that are not written in plain digits, such as 1e3
// and 1.0, or that do not fit 64 bits: an AdapterSet has whole numbers alone.
func checkNumbers(value any, path *field.Path) []problem {
	var problems []problem
	switch value := value.(type) {
	case json.Number:
		if _, err := value.Int64(); err != nil {
			return []problem{{path: path.String(), text: "must be a whole number in plain digits, not " + describe(value)}}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			problems = append(problems, checkNumbers(value[key], path.Child(key))...)
		}
	case []any:
		for i, item := range value {
			problems = append(problems, checkNumbers(item, path.Index(i))...)
		}
	}
	return problems
}

// describe names a value of a decoded document in an error text.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the string %q", shorten(value, 60))
	case json.Number:
		return shorten(value.String(), 60)
	case bool:
		return fmt.Sprint(value)
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// shorten keeps error texts readable: it cuts a text to so many characters.
func shorten(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return strings.ToValidUTF8(string(runes[:most]), "") + "…"
	}
	return s
}
