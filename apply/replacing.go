package apply

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// The managers whose updates put the whole object, unless they apply client side.
const (
	// kubectlReplace is what kubectl replace writes as.
	kubectlReplace = "kubectl-replace"
	// argoReplaces is what Argo CD creates and replaces as where Replace=true: the
	// name of its binary.
	argoReplaces = "argocd-application-controller"
	// argoApplies is what it applies as. By an update it does so client side, and
	// the annotation of that is gone once it has replaced the object.
	argoApplies = "argocd-controller"
)

// Argo CD's options of a sync at the object; see
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
const (
	syncOptions   = "argocd.argoproj.io/sync-options"
	replaceOption = "Replace=true"
)

// replacing are the managers that put the whole object, one of each tool. The
// annotation of client-side apply goes with the object that had it, so where it is
// somebody has applied since.
func replacing(meta *metav1.ObjectMeta) []fieldmanager.Manager {
	var managers []fieldmanager.Manager
	if _, applied := meta.Annotations[corev1.LastAppliedConfigAnnotation]; !applied {
		managers = lastToReplace(meta.ManagedFields)
	}
	if isToReplace(meta) && !slices.ContainsFunc(managers, isArgo) {
		managers = append(managers, fieldmanager.Updater(argoReplaces))
	}
	return managers
}

func isArgo(m fieldmanager.Manager) bool { return m.Name == argoReplaces || m.Name == argoApplies }

// isToReplace tells that the object itself asks Argo CD, which has written it, to
// replace it.
func isToReplace(meta *metav1.ObjectMeta) bool {
	for option := range strings.SplitSeq(meta.Annotations[syncOptions], ",") {
		if strings.TrimSpace(option) == replaceOption {
			return slices.ContainsFunc(meta.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
				return isArgo(fieldmanager.Updater(e.Manager))
			})
		}
	}
	return false
}

// lastToReplace are those whose update was the last to write the object whole.
// Only entries of their names are read: to decode those of every workload would
// cost more.
func lastToReplace(managed []metav1.ManagedFieldsEntry) []fieldmanager.Manager {
	if !slices.ContainsFunc(managed, func(e metav1.ManagedFieldsEntry) bool {
		return e.Operation == metav1.ManagedFieldsOperationUpdate && (e.Manager == kubectlReplace || isArgo(fieldmanager.Updater(e.Manager)))
	}) {
		return nil
	}
	entries, err := fieldmanager.Decode(managed)
	if err != nil {
		return nil // which a pass tells
	}
	applied := fieldpath.NewSet()
	for _, e := range entries {
		if e.Manager.Operation == metav1.ManagedFieldsOperationApply {
			applied = applied.Union(e.Fields)
		}
	}
	var managers []fieldmanager.Manager
	for _, tool := range [][]string{{argoReplaces, argoApplies}, {kubectlReplace}} {
		for _, name := range tool {
			if e, ok := entries.Of(fieldmanager.Updater(name)); ok && wroteLast(e.Fields, applied) {
				managers = append(managers, e.Manager)
				break
			}
		}
	}
	return managers
}

// selectorPath is of a field that all workloads must have, so that who applies a
// whole one owns it.
var selectorPath = fieldpath.MakePathOrDie("spec", "selector")

// wroteLast tells that an update owns an image that nobody applies, or ports of a
// workload that nobody applies. What was replaced before somebody took to
// server-side apply stays in the entry, beside the one of what is applied now.
func wroteLast(updated, applied *fieldpath.Set) bool {
	depth, wrote := len(containersPath), false
	updated.Iterate(func(p fieldpath.Path) {
		if wrote || len(p) < depth+2 || !p[:depth].Equals(containersPath) || p[depth+1].FieldName == nil {
			return
		}
		switch *p[depth+1].FieldName {
		case "image":
			wrote = !applied.Has(p)
		case "ports":
			wrote = len(p) > depth+2 && !applied.Has(selectorPath)
		}
	})
	return wrote
}

// warnOfReplacing: the next time that they put the object, the port goes, unless
// what they put has it.
func (w *workload.Workload) warnOfReplacing(port port.Port, owners []fieldmanager.Manager) []advice.Warning {
	var warnings []advice.Warning
	for _, m := range w.Replacing {
		if slices.Contains(owners, m) {
			continue // it is in what they put
		}
		message := fmt.Sprintf(
			"%s replaces the whole object, as Argo CD does with Replace=true, so its next sync removes %s and pods restart: sync with ServerSideApply=true in place of Replace=true in the Application's syncOptions, or in the annotation %s of the workload; then Git can drop what was replaced if the Application has the annotation argocd.argoproj.io/client-side-apply-migration-manager: %s",
			m, port, syncOptions, m.Name)
		if m.Name == kubectlReplace {
			message = fmt.Sprintf(
				"%s replaced the whole object, and the next kubectl replace of a manifest without %s removes it and pods restart: run kubectl apply --server-side --force-conflicts in its place",
				m, port)
		}
		warnings = append(warnings, advice.Warning{Reason: advice.ReplacesAll, Port: port, Manager: m, Message: message})
	}
	return warnings
}
