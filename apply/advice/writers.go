package advice

import (
	"bytes"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// Writers are the managers of an object whose way of writing endangers ports that
// they do not declare.
type Writers struct {
	// ClientSide are the managers that apply client side: by Updates that wrote
	// the annotation in which kubectl apply, and Argo CD, keep what they applied.
	ClientSide []fieldmanager.Manager
	// Replacing are the managers that replace the whole object, and so remove what
	// their manifest does not have: kubectl replace, and Argo CD where
	// Replace=true, as far as managedFields and annotations show it.
	Replacing []fieldmanager.Manager

	// lastApplied is the object as the last client-side apply had it.
	lastApplied string
}

// Read returns the writers of an object whose pod template has this list of
// containers.
func Read(object metav1.Object, containers fieldmanager.List) Writers {
	return Writers{
		ClientSide:  clientSide(object),
		Replacing:   replacing(object, containers),
		lastApplied: object.GetAnnotations()[corev1.LastAppliedConfigAnnotation],
	}
}

// Annotations returns the annotations of an object that [Read] depends on, as a new
// map. What was last applied client side is only needed for [Writers.Adopted], and left
// out: it is a copy of the whole object.
func Annotations(all map[string]string) map[string]string {
	kept := map[string]string{}
	if _, applied := all[corev1.LastAppliedConfigAnnotation]; applied {
		kept[corev1.LastAppliedConfigAnnotation] = ""
	}
	if options, set := all[syncOptions]; set {
		kept[syncOptions] = options
	}
	return kept
}

// Fields returns the fields of an entry that [Read] depends on, in an object whose pod
// template has this list of containers. It reports whether the entry counts even
// without any.
func Fields(e fieldmanager.Entry, containers fieldmanager.List) (fields fieldmanager.Fields, counts bool) {
	paths := []fieldmanager.Path{selector, lastApplied}
	for _, container := range (fieldmanager.Entries{e}).In(containers).Keys() {
		paths = append(paths, containers.Item(container).Field("image"))
	}
	return e.Fields.Only(paths...), isArgo(e.Manager)
}

var lastApplied = fieldmanager.PathTo("metadata", "annotations", corev1.LastAppliedConfigAnnotation)

// helm is the manager that Helm 3 updates as. It merges as client-side apply
// does, and writes no annotation.
const helm = "helm"

// mergesByNumber reports whether the next write of a manager may be a client-side
// merge, which knows ports by their number alone.
func (w Writers) mergesByNumber(m fieldmanager.Manager) bool {
	return slices.Contains(w.ClientSide, m) || m == fieldmanager.Updater(helm)
}

// clientSide returns the managers that own the annotation of client-side apply by an
// Update. The annotation alone does not show which manager would merge, since server-side apply
// keeps it up to date where it exists. The field is searched for as it is written: to
// decode every entry of every workload for it would cost more.
func clientSide(object metav1.Object) []fieldmanager.Manager {
	if _, applied := object.GetAnnotations()[corev1.LastAppliedConfigAnnotation]; !applied {
		return nil
	}
	var managers []fieldmanager.Manager
	managed := object.GetManagedFields()
	for i := range managed {
		e := &managed[i]
		if e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == "" &&
			bytes.Contains(e.FieldsV1.GetRawBytes(), []byte(`"f:`+corev1.LastAppliedConfigAnnotation+`"`)) {
			managers = append(managers, fieldmanager.Updater(e.Manager))
		}
	}
	return managers
}
