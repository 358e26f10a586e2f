package printer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/fieldmanager"
)

// ListOwners is the document that owners prints of one keyed list of an object.
type ListOwners struct {
	Target Target `json:"target"`
	// List is the path of the list, and KeyFields are the fields that its items are
	// identified by. They are not known where no manager owns an item.
	List      string      `json:"list"`
	KeyFields []string    `json:"keyFields"`
	Items     []ownedItem `json:"items"`

	tree *ownership.Tree
}

// ownedItem is an item of the list.
type ownedItem struct {
	Key map[string]any `json:"key"`
	// Path is the path of the item.
	Path string `json:"path"`
	// Duplicate is true for one of several items with the key, and Missing for one that
	// managers own and the object does not have.
	Duplicate bool          `json:"duplicate,omitempty"`
	Missing   bool          `json:"missing,omitempty"`
	Managers  []itemManager `json:"managers"`

	name string
}

// itemManager is what a manager owns of an item.
type itemManager struct {
	fieldmanager.Manager
	// OwnsItem means that the item stays as long as this manager declares it. A manager
	// that owns only fields does not keep it.
	OwnsItem bool `json:"ownsItem"`
	// Fields are the item's fields that it owns, or of which it owns a part.
	Fields    []string     `json:"fields"`
	LastWrite *metav1.Time `json:"lastWrite,omitempty"`
}

// ListOwnersOf returns the document of a list of an object.
func ListOwnersOf(tree *ownership.Tree, of *ownership.Node) *ListOwners {
	l := &ListOwners{Target: targetOfTree(tree), List: of.Path, KeyFields: of.KeyFields(), Items: []ownedItem{}, tree: tree}
	if l.KeyFields == nil {
		l.KeyFields = []string{}
	}
	for _, n := range of.Children {
		item := ownedItem{Key: map[string]any{}, Path: n.Path, Duplicate: n.Duplicate, Missing: n.Missing, Managers: []itemManager{}, name: n.Name}
		for _, field := range n.Key.Fields() {
			item.Key[field] = n.Key.Value(field)
		}
		for _, w := range tree.Managers {
			m := itemManager{Manager: w.Manager, OwnsItem: n.Has(w.Manager), Fields: n.FieldsOf(w.Manager), LastWrite: w.LastWrite}
			if m.OwnsItem || len(m.Fields) > 0 {
				if m.Fields == nil {
					m.Fields = []string{}
				}
				item.Managers = append(item.Managers, m)
			}
		}
		l.Items = append(l.Items, item)
	}
	return l
}

// Object implements [OfObject].
func (l *ListOwners) Object() Target { return l.Target }

// Table returns a row for each item, or in a wide table one for each manager of an item.
func (l *ListOwners) Table(wide bool) Table {
	var t Table
	for _, field := range l.KeyFields {
		t.Columns = append(t.Columns, strings.ToUpper(field))
	}
	if len(l.KeyFields) == 0 {
		t.Columns = []string{"ITEM"}
	}
	if wide {
		t.Columns = append(t.Columns, "MANAGER", "OPERATION", "LAST WRITE", "OWNS")
	} else {
		t.Columns = append(t.Columns, "OWNERS", "OWNERS OF FIELDS ONLY")
	}
	now := time.Now()
	for i := range l.Items {
		item := &l.Items[i]
		row := l.cells(item)
		switch {
		case !wide:
			t.Rows = append(t.Rows, append(row, item.owners(l.Items), item.partial()))
		case len(item.Managers) == 0:
			t.Rows = append(t.Rows, append(row, none, none, none, "no manager owns it"+item.note(l.Items)))
		default:
			for _, m := range item.Managers {
				t.Rows = append(t.Rows, append(slices.Clip(row), m.Name, operation(m.Manager), age(m.LastWrite, now), m.owns()+item.note(l.Items)))
			}
		}
	}
	return t
}

// cells returns the key of an item: a cell for each key field, or the item's index.
func (l *ListOwners) cells(item *ownedItem) []string {
	if len(l.KeyFields) == 0 {
		return []string{item.name}
	}
	var cells []string
	for _, field := range l.KeyFields {
		if value, has := item.Key[field]; has {
			cells = append(cells, fmt.Sprint(value))
		} else {
			cells = append(cells, none)
		}
	}
	return cells
}

// Names returns the owners of all items, each once.
func (l *ListOwners) Names() []string {
	var owners []fieldmanager.Manager
	for _, item := range l.Items {
		for _, m := range item.Managers {
			if m.OwnsItem {
				owners = append(owners, m.Manager)
			}
		}
	}
	return fieldmanager.Names(owners)
}

func (i *ownedItem) owners(all []ownedItem) string {
	var owners []fieldmanager.Manager
	for _, m := range i.Managers {
		if m.OwnsItem {
			owners = append(owners, m.Manager)
		}
	}
	return list(fieldmanager.Names(owners)) + i.note(all)
}

// partial returns "kubectl-edit: value" for managers that own fields of the item only.
func (i *ownedItem) partial() string {
	var partial []string
	for _, m := range i.Managers {
		if !m.OwnsItem {
			partial = append(partial, m.Name+": "+strings.Join(m.Fields, ", "))
		}
	}
	return orNone(strings.Join(partial, "; "))
}

// note returns what is unusual about the item.
func (i *ownedItem) note(all []ownedItem) string {
	switch {
	case i.Missing:
		return " (not in the object)"
	case i.Duplicate:
		count := 0
		for _, other := range all {
			if other.Path == i.Path {
				count++
			}
		}
		return fmt.Sprintf(" (one of %d items with this key)", count)
	}
	return ""
}

// owns returns "the item: name, value" or, without the item, "only value".
func (m itemManager) owns() string { return owns("item", m.OwnsItem, m.Fields) }
