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
	// ofService reports that the object is a Service.
	ofService bool
}

// Read returns the writers of an object whose pod template has this list of
// containers.
func Read(object metav1.Object, containers fieldmanager.List) Writers {
	return read(object, func(updated fieldmanager.Entry, applied fieldmanager.Fields) bool {
		return wroteLast(updated, applied, containers)
	})
}

// ReadService returns the writers of a Service.
func ReadService(object metav1.Object) Writers {
	w := read(object, wroteServiceLast)
	w.ofService = true
	return w
}

func read(object metav1.Object, wroteLast func(fieldmanager.Entry, fieldmanager.Fields) bool) Writers {
	return Writers{
		ClientSide:  clientSide(object),
		Replacing:   replacing(object, wroteLast),
		lastApplied: object.GetAnnotations()[corev1.LastAppliedConfigAnnotation],
	}
}

// Trimmed returns the writers without what was last applied client side. That is a copy
// of the whole object, and only needed for [Writers.Adopted].
func (w Writers) Trimmed() Writers {
	w.lastApplied = ""
	return w
}

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
