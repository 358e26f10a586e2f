package v1alpha1

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkShape compares a decoded document with the Go types it is to become,
// and tells each field that is unknown, of the wrong type, null, or missing
// though required, with its full path. It exists because decoders report a
// wrong type without the index of the list item, stop at the first, and take
// null for any type.
func checkShape(object map[string]any) []error {
	s := shapeChecker{}
	s.check(object, reflect.TypeFor[document](), nil)
	return s.errs
}

type shapeChecker struct {
	errs []error
}

var (
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	intOrStringType = reflect.TypeFor[intstr.IntOrString]()
)

func (s *shapeChecker) check(value any, want reflect.Type, path *field.Path) {
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	switch {
	case want == intOrStringType:
		if _, isString := value.(string); !isString {
			s.checkInteger(value, 32, "a string or a whole number", path)
		}
		return
	case reflect.PointerTo(want).Implements(unmarshalerType):
		return
	}
	switch want.Kind() {
	case reflect.Struct:
		s.checkStruct(value, want, path)
	case reflect.Slice:
		s.checkSlice(value, want, path)
	case reflect.Map:
		s.checkMap(value, want, path)
	case reflect.String:
		if _, ok := value.(string); !ok {
			s.mismatch(value, "a string", path)
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			s.mismatch(value, "true or false", path)
		}
	default:
		s.checkInteger(value, want.Bits(), "a whole number", path)
	}
}

func (s *shapeChecker) mismatch(value any, want string, path *field.Path) {
	s.errs = append(s.errs, at(path, fmt.Errorf("must be %s, not %s", want, describe(value))))
}

// checkInteger refuses 1e3 and 1.0 too: they may be meant as whole numbers, but
// who writes a port like that has more likely made a mistake.
func (s *shapeChecker) checkInteger(value any, bits int, want string, path *field.Path) {
	number, ok := value.(json.Number)
	if !ok {
		s.mismatch(value, want, path)
		return
	}
	if strings.ContainsAny(number.String(), ".eE") {
		s.mismatch(value, want+" in plain digits", path)
		return
	}
	if _, err := strconv.ParseInt(number.String(), 10, bits); err != nil {
		s.mismatch(value, fmt.Sprintf("%s that fits %d bits", want, bits), path)
	}
}

func (s *shapeChecker) checkSlice(value any, want reflect.Type, path *field.Path) {
	items, ok := value.([]any)
	if !ok {
		// A template whose list came out empty leaves a null behind.
		s.mismatch(value, "a list ([] for an empty one)", path)
		return
	}
	for i, item := range items {
		s.check(item, want.Elem(), path.Index(i))
	}
}

func (s *shapeChecker) checkMap(value any, want reflect.Type, path *field.Path) {
	object, ok := value.(map[string]any)
	if !ok {
		s.mismatch(value, "an object", path)
		return
	}
	for _, key := range sortedKeys(object) {
		s.check(object[key], want.Elem(), path.Key(key))
	}
}

func (s *shapeChecker) checkStruct(value any, want reflect.Type, path *field.Path) {
	object, ok := value.(map[string]any)
	if !ok {
		s.mismatch(value, "an object", path)
		return
	}
	known := map[string]structField{}
	for goField := range want.Fields() {
		name, options, _ := strings.Cut(goField.Tag.Get("json"), ",")
		optional := strings.Contains(options, "omit")
		known[name] = structField{goField.Type, optional}
		if _, given := object[name]; !given && !optional {
			s.errs = append(s.errs, field.Required(path.Child(name), ""))
		}
	}
	for _, key := range sortedKeys(object) {
		known, ok := known[key]
		switch {
		case !ok:
			s.errs = append(s.errs, fmt.Errorf("%s: unknown field", path.Child(shorten(key))))
		case isMetadata(path) && object[key] == nil:
			// Clients write metadata.creationTimestamp: null.
		case object[key] == nil && mayBeNull(path, key):
		case object[key] == "" && known.optional && !mayBeEmpty(path):
			s.errs = append(s.errs, fmt.Errorf("%s: must not be empty; leave the field out", path.Child(key)))
		default:
			s.check(object[key], known.goType, path.Child(key))
		}
	}
}

type structField struct {
	goType   reflect.Type
	optional bool
}

// mayBeNull reports where a null stands for an absent field, as it does for the
// API server.
func mayBeNull(path *field.Path, key string) bool {
	return path.String() == "spec" && key == "adapters"
}

func isMetadata(path *field.Path) bool { return path != nil && path.Root().String() == "metadata" }

// mayBeEmpty reports where an empty string may stand for an absent one. Elsewhere
// the API server refuses it, since it is none of the values or names that the
// field may have.
func mayBeEmpty(path *field.Path) bool { return isMetadata(path) }
