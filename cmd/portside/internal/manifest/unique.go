package manifest

import (
	"errors"
	"fmt"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// CheckUnique refuses two documents with one name or one target: the second would
// undo the first. A document without a namespace is in the default one. The error
// names both documents of each pair.
//
// A target is compared by its workload alone. Two sets for two containers of one
// workload would still apply as one field manager, and each apply of one would
// remove the ports of the other.
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
			{byName, "metadata.name", fmt.Sprintf("%s %s/%s", v1alpha1.Kind, namespace, doc.Set.Name)},
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
