package workload

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind identifies a kind of workload, or that of Services, by its API group and its name in that group.
type Kind schema.GroupKind

// KindOf returns the kind that a reference to an object names. Whether it is known,
// [Define] reports.
func KindOf(apiVersion, kind string) Kind {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group = "" // of the core group
	}
	return Kind{Group: group, Kind: kind}
}

// String returns the name of the kind, such as StatefulSet.
func (k Kind) String() string { return k.Kind }

// Target names a workload or a Service. It is comparable.
type Target struct {
	Kind      Kind
	Namespace string
	Name      string
}

// String returns KIND namespace/name.
func (t Target) String() string { return fmt.Sprintf("%s %s/%s", t.Kind, t.Namespace, t.Name) }
