// Package fieldmanagertest checks in the tests of a controller which fields its field
// manager owns. The objects are those that any client has read from a real API server,
// such as the one of controller-runtime's envtest: a fake client does not record the
// owners that a server records.
//
//	before := get(t, "web")
//	reconcile(t)
//	fieldmanagertest.ExpectReconciled(t, before, get(t, "web"), "peers-operator-env",
//		`.spec.template.spec.containers[name="web"]`,
//		`.spec.template.spec.containers[name="web"].name`,
//		`.spec.template.spec.containers[name="web"].env[name="PEERS"]`,
//		`.spec.template.spec.containers[name="web"].env[name="PEERS"].name`,
//		`.spec.template.spec.containers[name="web"].env[name="PEERS"].value`)
//
// Paths are written as the API server prints them, and as a failure lists them. Those of the
// items of a keyed list come from [fieldmanager.List.Claim] and
// [fieldmanager.Fields.Paths] as well.
package fieldmanagertest

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// TB is the part of [testing.TB] that the checks need. A *testing.T is one, and so is
// Ginkgo's GinkgoT().
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// ExpectOwned reports an error unless the field manager owns exactly the fields at these
// paths, all of them by Apply. A field that an Update under the same name owns is surplus.
// What it owns through a subresource, such as status, is not compared. Without paths it must
// own nothing.
func ExpectOwned(t TB, object metav1.Object, manager string, paths ...string) {
	t.Helper()
	report(t, object, manager, paths, func(m fieldmanager.Manager, _ string) bool { return m.Name == manager })
}

// ExpectReconciled reports an error unless the field manager owns exactly the fields at these
// paths by Apply, and no other manager owns a field that it did not own before the reconcile:
// an Update under the same name is another manager, and a request that lacks the field
// manager writes under the name of its program. No other client may write to the object in
// between.
func ExpectReconciled(t TB, before, after metav1.Object, manager string, paths ...string) {
	t.Helper()
	was, err := owned(before)
	if err != nil {
		t.Errorf("%s before: %v", nameOf(before), err)
		return
	}
	report(t, after, manager, paths, func(m fieldmanager.Manager, path string) bool { return !was[m][path] })
}

// report reports the fields that are missing and those that are surplus. Of managers but
// ours these are the fields for which surplus returns true.
func report(t TB, object metav1.Object, manager string, paths []string, surplus func(fieldmanager.Manager, string) bool) {
	t.Helper()
	owns, err := owned(object)
	if err != nil {
		t.Errorf("%s: %v", nameOf(object), err)
		return
	}
	us := fieldmanager.Applier(manager)
	var lines []string
	for m, fields := range owns {
		for path := range fields {
			switch {
			case m == us && !slices.Contains(paths, path):
				lines = append(lines, "surplus "+path)
			case m != us && surplus(m, path):
				lines = append(lines, fmt.Sprintf("surplus %s, owned by %s", path, m))
			}
		}
	}
	for _, path := range paths {
		if !owns[us][path] {
			lines = append(lines, "missing "+path)
		}
	}
	if len(lines) > 0 {
		slices.Sort(lines)
		t.Errorf("%s: field manager %s does not own the expected fields:\n  %s",
			nameOf(object), us, strings.Join(slices.Compact(lines), "\n  "))
	}
}

// owned returns the paths that each manager owns, without those of subresources.
func owned(object metav1.Object) (map[fieldmanager.Manager]map[string]bool, error) {
	entries, err := fieldmanager.Decode(object.GetManagedFields())
	if err != nil {
		return nil, err
	}
	owns := map[fieldmanager.Manager]map[string]bool{}
	for _, e := range entries {
		if e.Subresource != "" {
			continue
		}
		if owns[e.Manager] == nil {
			owns[e.Manager] = map[string]bool{}
		}
		for _, path := range e.Fields.Paths() {
			owns[e.Manager][path] = true
		}
	}
	return owns, nil
}

func nameOf(object metav1.Object) string {
	if object.GetNamespace() == "" {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}
