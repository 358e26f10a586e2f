package advice

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// The managers whose Updates replace the whole object, unless they apply client side.
const (
	// kubectlReplace is the manager of kubectl replace.
	kubectlReplace = "kubectl-replace"
	// argoReplaces is the manager as which Argo CD creates and replaces where
	// Replace=true: the name of its binary.
	argoReplaces = "argocd-application-controller"
	// argoApplies is the manager as which it applies. By an Update it does so client
	// side, and the annotation of that is removed once it has replaced the object.
	argoApplies = "argocd-controller"
)

// Argo CD's options of a sync at the object; see
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
const (
	syncOptions   = "argocd.argoproj.io/sync-options"
	replaceOption = "Replace=true"
)

// replacing returns the managers that replace the whole object, one of each tool. A
// replaced object has no annotation of client-side apply, so where it has one a manager
// has applied since. wroteLast reports whether a manager's Updates were the last to write
// the object whole.
func replacing(object metav1.Object, wroteLast func(fieldmanager.Entry, fieldmanager.Fields) bool) []fieldmanager.Manager {
	var managers []fieldmanager.Manager
	if _, applied := object.GetAnnotations()[corev1.LastAppliedConfigAnnotation]; !applied {
		managers = lastToReplace(object.GetManagedFields(), wroteLast)
	}
	if isToReplace(object) && !slices.ContainsFunc(managers, isArgo) {
		managers = append(managers, fieldmanager.Updater(argoReplaces))
	}
	return managers
}

func isArgo(m fieldmanager.Manager) bool { return m.Name == argoReplaces || m.Name == argoApplies }

// isToReplace reports whether the object asks Argo CD, which has written it, to
// replace it.
func isToReplace(object metav1.Object) bool {
	for option := range strings.SplitSeq(object.GetAnnotations()[syncOptions], ",") {
		if strings.TrimSpace(option) == replaceOption {
			return slices.ContainsFunc(object.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool {
				return isArgo(fieldmanager.ManagerOf(&e))
			})
		}
	}
	return false
}

// lastToReplace returns the managers whose Update was the last to write the object
// whole. Only where one of their names occurs are the entries decoded: to decode those
// of every workload would cost more.
func lastToReplace(managed []metav1.ManagedFieldsEntry, wroteLast func(fieldmanager.Entry, fieldmanager.Fields) bool) []fieldmanager.Manager {
	if !slices.ContainsFunc(managed, func(e metav1.ManagedFieldsEntry) bool {
		return e.Operation == metav1.ManagedFieldsOperationUpdate && (e.Manager == kubectlReplace || isArgo(fieldmanager.ManagerOf(&e)))
	}) {
		return nil
	}
	entries, err := fieldmanager.Decode(managed)
	if err != nil {
		return nil // a decision reports it
	}
	var applied fieldmanager.Fields
	for _, e := range entries {
		if e.Operation == metav1.ManagedFieldsOperationApply {
			applied = applied.Union(e.Fields)
		}
	}
	var managers []fieldmanager.Manager
	for _, tool := range [][]string{{argoReplaces, argoApplies}, {kubectlReplace}} {
		for _, name := range tool {
			if e, ok := entries.Of(fieldmanager.Updater(name)); ok && wroteLast(e, applied) {
				managers = append(managers, e.Manager)
				break
			}
		}
	}
	return managers
}

// selector is a field that all workloads must have, and Services usually have, so that a
// manager which applies a whole object owns it.
var selector = fieldmanager.PathTo("spec", "selector")

// wroteLast reports whether an Update owns an image that no manager applies, or ports of
// a workload that no manager applies. What was replaced before a manager took to
// server-side apply stays in the entry, next to the one of what is applied now.
func wroteLast(updated fieldmanager.Entry, applied fieldmanager.Fields, containers fieldmanager.List) bool {
	entries := fieldmanager.Entries{updated}
	for _, container := range entries.In(containers).Keys() {
		item := containers.Item(container)
		if image := item.Field("image"); updated.Fields.Has(image) && !applied.Has(image) {
			return true
		}
		if len(entries.In(item.List("ports")).Managers()) > 0 && !applied.Has(selector) {
			return true
		}
	}
	return false
}

// wroteServiceLast reports whether an Update owns the selector of a Service, or ports of
// one, that no manager applies.
func wroteServiceLast(updated fieldmanager.Entry, applied fieldmanager.Fields) bool {
	hasPorts := len(fieldmanager.Entries{updated}.In(servicePorts).Managers()) > 0
	return !applied.Has(selector) && (updated.Fields.Has(selector) || hasPorts)
}

var servicePorts = fieldmanager.ListAt("spec", "ports")
