package v1alpha1

import (
	"errors"
	"fmt"
)

// CheckUnique refuses documents of which two have one name, or one target: the
// second would undo what the first did. The default namespace stands in where
// a document names none. The error names both documents of each pair.
//
// A target is compared by its workload alone. Two sets for two containers of
// one workload would still write through one field manager, and each apply of
// one would take the ports of the other away.
func CheckUnique(docs []Document, defaultNamespace string) error {
	problems := []error{}
	byName, byTarget := map[string]Document{}, map[string]Document{}
	for _, doc := range docs {
		namespace := doc.Set.Namespace
		if namespace == "" {
			namespace = defaultNamespace
		}
		ref := doc.Set.Spec.TargetRef
		for _, claim := range []struct {
			seen       map[string]Document
			field, key string
		}{
			{byName, "metadata.name", fmt.Sprintf("%s %s/%s", Kind, namespace, doc.Set.Name)},
			{byTarget, "spec.targetRef", fmt.Sprintf("%s %s/%s", ref.Kind, namespace, ref.Name)},
		} {
			first, taken := claim.seen[claim.key]
			if !taken {
				claim.seen[claim.key] = doc
				continue
			}
			problems = append(problems, fmt.Errorf("%s: %s: %s is in %s already", doc, claim.field, claim.key, first))
		}
	}
	return errors.Join(problems...)
}
