package manifest

import (
	"errors"
	"fmt"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// CheckUnique refuses two documents with one name, one target or one Service: the second
// would undo the first. A document without a namespace is in the default one. The error
// names both documents of each pair.
//
// A target is compared by its workload alone. Two sets for two containers of one
// workload would still apply as one field manager, and each apply of one would
// remove the ports of the other.
func CheckUnique(docs []Document, defaultNamespace string) error {
	type claim struct {
		seen       map[string]Document
		field, key string
	}
	problems := []error{}
	byName, byTarget, byService := map[string]Document{}, map[string]Document{}, map[string]Document{}
	for _, doc := range docs {
		namespace := doc.Set.Namespace
		if namespace == "" {
			namespace = defaultNamespace
		}
		ref := doc.Set.Spec.TargetRef
		claims := []claim{
			{byName, "metadata.name", fmt.Sprintf("%s %s/%s", v1alpha1.Kind, namespace, doc.Set.Name)},
			{byTarget, "spec.targetRef", fmt.Sprintf("%s %s/%s", ref.Kind, namespace, ref.Name)},
		}
		for i := range doc.Set.Spec.Services {
			claims = append(claims, claim{byService, fmt.Sprintf("spec.services[%d].name", i), fmt.Sprintf("Service %s/%s", namespace, doc.Set.Spec.Services[i].Name)})
		}
		for _, claim := range claims {
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
