package manifest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
	"github.com/portside-dev/portside/examples/chart"
)

// rules are those of the CRD.
type rules struct {
	schema    *structuralschema.Structural
	validator schemavalidation.SchemaValidator
	cel       *cel.Validator
}

// crdRules returns the rules of the embedded CRD.
var crdRules = sync.OnceValues(func() (*rules, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	text, err := chart.Files.ReadFile(chart.CRD)
	if err == nil {
		err = yaml.UnmarshalStrict(text, &crd)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the embedded CRD: %w", err)
	}
	for _, version := range crd.Spec.Versions {
		if version.Name == v1alpha1.GroupVersion.Version {
			return newRules(version.Schema.OpenAPIV3Schema)
		}
	}
	return nil, fmt.Errorf("the embedded CRD has no version %s", v1alpha1.GroupVersion.Version)
})

func newRules(schema *apiextensionsv1.JSONSchemaProps) (*rules, error) {
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(schema, &internal, nil); err != nil {
		return nil, fmt.Errorf("cannot convert the schema of the CRD: %w", err)
	}
	structural, err := structuralschema.NewStructural(&internal)
	if err != nil {
		return nil, fmt.Errorf("cannot use the schema of the CRD: %w", err)
	}
	validator, _, err := schemavalidation.NewSchemaValidator(&internal)
	if err != nil {
		return nil, fmt.Errorf("cannot use the schema of the CRD: %w", err)
	}
	return &rules{structural, validator, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// read returns the AdapterSet of a document with its defaults, or what is wrong
// with the document.
func (r *rules) read(part streamPart) (v1alpha1.AdapterSet, []problem) {
	if len(part.problems) > 0 {
		return v1alpha1.AdapterSet{}, part.problems
	}
	object, problems := decode(part.json)
	if object != nil {
		problems = r.check(object, problems)
	}
	var set v1alpha1.AdapterSet
	if len(problems) == 0 {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &set); err != nil {
			problems = []problem{{text: err.Error()}}
		}
	}
	if len(problems) > 0 {
		return v1alpha1.AdapterSet{}, part.located(problems)
	}
	return set, nil
}

// check fills in the defaults, and adds what the API server refuses to the problems
// that are known. As there, the CEL rules come last, for an object without problems.
func (r *rules) check(object map[string]any, problems []problem) []problem {
	meta, unknown := r.fields(object)
	problems = append(problems, unknown...)
	problems = append(problems, r.nulls(object, r.schema, nil)...)
	if len(problems) >= maxProblems {
		return problems
	}
	defaulting.Default(object, r.schema)
	var errs field.ErrorList
	if meta != nil {
		errs = validateMetadata(meta)
	}
	errs = append(errs, schemavalidation.ValidateCustomResource(nil, object, r.validator)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, r.schema, object)...)
	if len(problems)+len(errs) == 0 {
		errs, _ = r.cel.Validate(context.Background(), nil, r.schema, object, nil, celconfig.RuntimeCELCostBudget)
	}
	if len(problems)+len(errs) == 0 {
		return checkExpression(object)
	}
	return appendErrors(problems, errs)
}

// checkExpression compiles spec.discovery.http.expression, which the API server takes as
// it is.
func checkExpression(object map[string]any) []problem {
	path := []string{"spec", "discovery", "http", "expression"}
	text, given, err := unstructured.NestedString(object, path...)
	if err != nil || !given {
		return nil
	}
	if _, err := expression.Compile(text); err != nil {
		return []problem{{path: strings.Join(path, "."), text: err.Error()}}
	}
	return nil
}

// noField is the field of an error that names none.
const noField = "<nil>"

// appendErrors appends errors about other fields. One that names no field only
// repeats another one.
func appendErrors(problems []problem, errs field.ErrorList) []problem {
	known := len(problems)
	for _, err := range errs {
		about := func(p problem) bool { return p.path == err.Field }
		if err.Field != noField && !slices.ContainsFunc(problems[:known], about) {
			problems = append(problems, problem{path: err.Field, text: shorten(err.ErrorBody(), 400)})
		}
	}
	if len(problems) == 0 && len(errs) > 0 {
		problems = []problem{{text: errs.ToAggregate().Error()}}
	}
	return problems
}

// fields returns the metadata, and the fields that are unknown.
func (r *rules) fields(object map[string]any) (*metav1.ObjectMeta, []problem) {
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	switch {
	case err != nil:
		return nil, []problem{{path: "metadata", text: err.Error()}}
	case !found:
		return nil, []problem{{path: "metadata", text: "Required value"}}
	}
	tracked := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	var problems []problem
	for _, path := range append(unknown, pruning.PruneWithOptions(object, r.schema, true, tracked)...) {
		problems = append(problems, problem{path: path, text: "unknown field"})
	}
	return meta, problems
}

// validateMetadata validates the metadata of an object in some namespace.
func validateMetadata(meta *metav1.ObjectMeta) field.ErrorList {
	if meta.Name == "" {
		return field.ErrorList{field.Required(field.NewPath("metadata", "name"), "")}
	}
	if meta.Namespace == "" {
		meta = meta.DeepCopy()
		meta.Namespace = metav1.NamespaceDefault
	}
	return apivalidation.ValidateObjectMeta(meta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
}

// nulls refuses a null where the schema does not say nullable. Metadata has no
// schema here; clients write nulls for its own fields, such as creationTimestamp,
// but a null below them is a mistake.
func (r *rules) nulls(value any, schema *structuralschema.Structural, path *field.Path) []problem {
	var problems []problem
	switch value := value.(type) {
	case nil:
		if schema == nil || !schema.Nullable {
			return []problem{{path: path.String(), text: "must not be null; leave the field out"}}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if path.String() == "metadata" && value[key] == nil {
				continue
			}
			var property *structuralschema.Structural
			if schema != nil {
				if known, is := schema.Properties[key]; is {
					property = &known
				}
			}
			problems = append(problems, r.nulls(value[key], property, path.Child(key))...)
		}
	case []any:
		for i, item := range value {
			var items *structuralschema.Structural
			if schema != nil {
				items = schema.Items
			}
			problems = append(problems, r.nulls(item, items, path.Index(i))...)
		}
	}
	return problems
}
