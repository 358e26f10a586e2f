package printer

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/fieldmanager"
)

// Fields is the document that owners prints of an object of any kind.
type Fields struct {
	Target   Target        `json:"target"`
	Managers []fieldWriter `json:"managers"`
	Fields   []ownedField  `json:"fields"`

	tree *ownership.Tree
}

// fieldWriter is a manager of the object.
type fieldWriter struct {
	fieldmanager.Manager
	APIVersions []string     `json:"apiVersions"`
	LastWrite   *metav1.Time `json:"lastWrite,omitempty"`
}

// ownedField is a field or an item of a list; see [ownership.Node].
type ownedField struct {
	Path string         `json:"path"`
	Kind ownership.Kind `json:"kind"`
	// Value is that of a field without parts.
	Value any `json:"value,omitempty"`
	// Owners own the field or the item itself, PartialOwners only something below it.
	Owners        []fieldmanager.Manager `json:"owners"`
	PartialOwners []fieldmanager.Manager `json:"partialOwners,omitempty"`
	Inherited     bool                   `json:"inherited,omitempty"`
	Untracked     bool                   `json:"untracked,omitempty"`
	Duplicate     bool                   `json:"duplicate,omitempty"`
	Missing       bool                   `json:"missing,omitempty"`
}

// FieldsOf returns the document of an object with the owners of its fields.
func FieldsOf(tree *ownership.Tree) *Fields {
	f := &Fields{Target: targetOfTree(tree), Managers: []fieldWriter{}, Fields: []ownedField{}, tree: tree}
	for _, w := range tree.Managers {
		f.Managers = append(f.Managers, fieldWriter{w.Manager, w.APIVersions, w.LastWrite})
	}
	for n := range tree.Root.All() {
		if n == tree.Root {
			continue
		}
		field := ownedField{
			Path: n.Path, Kind: n.Kind, Owners: orEmpty(n.Owners), PartialOwners: n.Partial,
			Inherited: n.Inherited, Untracked: n.Untracked, Duplicate: n.Duplicate, Missing: n.Missing,
		}
		if len(n.Children) == 0 {
			field.Value = n.Value
		}
		f.Fields = append(f.Fields, field)
	}
	return f
}

func targetOfTree(tree *ownership.Tree) Target {
	return TargetOf(workload.Target{Kind: workload.KindOf(tree.APIVersion, tree.Kind), Namespace: tree.Namespace, Name: tree.Name})
}

func orEmpty(managers []fieldmanager.Manager) []fieldmanager.Manager {
	if managers == nil {
		return []fieldmanager.Manager{}
	}
	return managers
}

// Object implements [OfObject].
func (f *Fields) Object() Target { return f.Target }

// Table returns a row for each field and item that has owners of its own, or has none and
// could have; in a wide table a row for each of its managers. Parts of a list or map that
// is owned, or not owned, as a whole are left out.
func (f *Fields) Table(wide bool) Table {
	t := Table{Columns: []string{"OWNERS", "FIELD"}}
	if wide {
		t.Columns = []string{"MANAGER", "OPERATION", "LAST WRITE", "FIELD"}
	}
	f.rows(&t, f.tree.Root, wide, time.Now())
	return t
}

// rows appends the rows of the parts of a node.
func (f *Fields) rows(t *Table, of *ownership.Node, wide bool, now time.Time) {
	for _, n := range of.Children {
		path := n.Path
		if n.Missing {
			path += " (not in the object)"
		}
		switch {
		case n.Unowned() && wide:
			t.Rows = append(t.Rows, []string{none, none, none, path})
		case len(n.Owners) > 0 || n.Unowned():
			t.Rows = append(t.Rows, f.managersOf(n, path, wide, now)...)
		}
		if !n.Atomic() && n.Kind != ownership.List {
			f.rows(t, n, wide, now)
		}
	}
}

// managersOf returns the row of a node or, in a wide table, the rows of its owners.
func (f *Fields) managersOf(n *ownership.Node, path string, wide bool, now time.Time) (rows [][]string) {
	if !wide {
		return [][]string{{list(fieldmanager.Names(n.Owners)), path}}
	}
	for _, m := range n.Owners {
		rows = append(rows, []string{m.Name, operation(m), age(lastWriteOf(f.tree, m), now), path})
	}
	return rows
}

// Names returns the managers of the object, each once.
func (f *Fields) Names() []string {
	var names []string
	for _, w := range f.Managers {
		names = append(names, w.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// lastWriteOf returns when a manager last changed a field that it owns in the object.
func lastWriteOf(tree *ownership.Tree, m fieldmanager.Manager) *metav1.Time {
	for _, w := range tree.Managers {
		if w.Manager == m {
			return w.LastWrite
		}
	}
	return nil
}
