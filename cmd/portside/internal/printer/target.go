package printer

import (
	"strings"

	"github.com/portside-dev/portside/apply"
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

// Target is a workload in a document.
type Target struct {
	Kind      apply.Kind `json:"kind"`
	Namespace string     `json:"namespace"`
	Name      string     `json:"name"`
}

// TargetOf returns the workload as documents have it.
func TargetOf(t apply.Target) Target {
	return Target{Kind: t.Kind, Namespace: t.Namespace, Name: t.Name}
}

// shortNames are kubectl's.
var shortNames = map[apply.Kind]string{apply.StatefulSet: "sts", apply.Deployment: "deploy", apply.DaemonSet: "ds"}

// ShortName returns kubectl's short name of a kind.
func ShortName(kind apply.Kind) string { return shortNames[kind] }

// Long returns the workload as arguments name it: "statefulset/files".
func (t Target) Long() string { return strings.ToLower(string(t.Kind)) + "/" + t.Name }

// short returns the same with the short name of the kind.
func (t Target) short() string { return ShortName(t.Kind) + "/" + t.Name }

// resource returns the workload as -o name prints it.
func (t Target) resource() string { return strings.ToLower(string(t.Kind)) + ".apps/" + t.Name }
