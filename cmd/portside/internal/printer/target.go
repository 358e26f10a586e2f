package printer

import (
	"strings"

	"github.com/portside-dev/portside/apply/workload"
)

// none is an empty cell, as kubectl prints it.
const none = "<none>"

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func list(names []string) string { return orNone(strings.Join(names, ", ")) }

// Target is a workload or a Service in a document.
type Target struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`

	kind workload.Kind
}

// TargetOf returns the target as documents have it.
func TargetOf(t workload.Target) Target {
	return Target{Kind: t.Kind.Kind, Namespace: t.Namespace, Name: t.Name, kind: t.Kind}
}

// Long returns the target as arguments name it: "statefulset/files".
func (t Target) Long() string { return strings.ToLower(t.Kind) + "/" + t.Name }

// short returns the same with a short name of the kind, if it has one.
func (t Target) short() string {
	for _, d := range workload.TargetDefinitions() {
		if d.Kind == t.kind && len(d.ShortNames) > 0 {
			return d.ShortNames[0] + "/" + t.Name
		}
	}
	return t.Long()
}

// resource returns the target as -o name prints it.
func (t Target) resource() string {
	if t.kind.Group == "" {
		return t.Long()
	}
	return strings.ToLower(t.Kind) + "." + t.kind.Group + "/" + t.Name
}
