package v1alpha1

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// document is an AdapterSet as files have it. The status is left raw: what a
// cluster once said about a set is not read from a file, so a release that
// knows more of it may have written it.
type document struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Spec       AdapterSetSpec    `json:"spec"`
	Status     json.RawMessage   `json:"status,omitempty"`
}

// decode reads one document strictly. sigs.k8s.io/json tells repeated fields
// with their path and matches names as the API server does, by their case; the
// rest, which it reports without a path or not at all, is checkShape's.
func decode(data []byte) (AdapterSet, []error) {
	tree, err := decodeTree(data)
	if err != nil {
		return AdapterSet{}, []error{err}
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return AdapterSet{}, []error{fmt.Errorf("must be an object, not %s", describe(tree))}
	}
	if errs := checkKind(object); len(errs) > 0 {
		return AdapterSet{}, errs
	}
	errs := append(repeatedFields(data), checkShape(object)...)
	if len(errs) > 0 {
		return AdapterSet{}, errs
	}
	var doc document
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &doc); err != nil {
		return AdapterSet{}, []error{err}
	}
	return AdapterSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: doc.APIVersion, Kind: doc.Kind},
		ObjectMeta: doc.Metadata,
		Spec:       doc.Spec,
	}, nil
}

// decodeTree keeps numbers as they are written.
func decodeTree(data []byte) (any, error) {
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err := decoder.Decode(&tree)
	return tree, err
}

// checkKind comes before everything else: of a document of another kind all
// fields are unknown, which would bury the one thing that is wrong.
func checkKind(object map[string]any) []error {
	errs := []error{}
	for _, want := range []struct{ name, value string }{
		{"apiVersion", GroupVersion.String()},
		{"kind", Kind},
	} {
		path := field.NewPath(want.name)
		switch got, given := object[want.name]; {
		case !given:
			errs = append(errs, field.Required(path, "must be "+want.value))
		case got != want.value:
			errs = append(errs, fmt.Errorf("%s: must be %s, not %s", path, want.value, describe(got)))
		}
	}
	return errs
}

// repeatedFields tells which fields are there twice. JSON leaves open which of
// the two counts.
func repeatedFields(data []byte) []error {
	var ignored any
	strictErrs, err := kjson.UnmarshalStrict(data, &ignored, kjson.DisallowDuplicateFields)
	if err != nil {
		return []error{err}
	}
	errs := []error{}
	for _, err := range strictErrs {
		if repeated, ok := errors.AsType[kjson.FieldError](err); ok {
			err = fmt.Errorf("%s: repeated field", repeated.FieldPath())
		}
		errs = append(errs, err)
	}
	return errs
}

// describe names a value of a decoded document in an error text.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the string %q", shorten(value))
	case json.Number:
		return shorten(value.String())
	case bool:
		return fmt.Sprint(value)
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// shorten keeps error texts readable.
func shorten(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return strings.ToValidUTF8(string(runes[:most]), "") + "…"
	}
	return s
}

// sortedKeys makes the order of errors the same each time.
func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
