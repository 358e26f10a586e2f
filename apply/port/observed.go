package port

import (
	"slices"

	"github.com/portside-dev/portside/fieldmanager"
)

// Observed is a list as it was read, with the owners of its items, from the point of
// view of one field manager.
type Observed struct {
	List List
	// Items are in live order. Of several with one key it has the first, which is
	// then marked as a duplicate.
	Items []*Live

	byKey  map[fieldmanager.Key]*Live
	byName map[string]*Live
}

// Live is an item of an observed list.
type Live struct {
	Item
	// Owners own the item; Others are those of them that are not us.
	Owners, Others []fieldmanager.Manager
	// Ours reports whether we own the item.
	Ours bool
	// Namers are the managers, other than us, that own the name. NameOurs reports
	// whether we do too.
	Namers   []fieldmanager.Manager
	NameOurs bool
	// Fields are the owners of each of [List.Fields].
	Fields []FieldOwners
	// Duplicate reports that the list has another item with the key (row 11).
	Duplicate bool
}

// FieldOwners are the managers, other than us, that own a field of an item, and whether
// we own it.
type FieldOwners struct {
	Others []fieldmanager.Manager
	Ours   bool
}

// Observe returns a list with the owners of its items. An item that our entry names
// and the list does not have is left out: what we own is what both say. Its error is a
// description that lacks a key field of the list.
func Observe(list List, us fieldmanager.Manager, entries fieldmanager.Entries, live []Item) (*Observed, error) {
	o := &Observed{List: list, byKey: make(map[fieldmanager.Key]*Live, len(live)), byName: make(map[string]*Live, len(live))}
	owners, all := entries.In(list.At), make([]Live, len(live))
	for i, item := range live {
		l, known := o.byKey[item.Key]
		if known {
			l.Duplicate = true
		} else {
			of, err := owners.Of(item.Key)
			if err != nil {
				return nil, err
			}
			l = &all[i]
			l.Item, l.Owners = item, of.Item
			l.Others, l.Ours = without(of.Item, us)
			l.Namers, l.NameOurs = without(of.Leaves[list.Name], us)
			for _, field := range list.Fields {
				others, ours := without(of.Leaves[field], us)
				l.Fields = append(l.Fields, FieldOwners{others, ours})
			}
			o.byKey[item.Key] = l
			o.Items = append(o.Items, l)
		}
		if item.Name != "" {
			o.byName[item.Name] = l
		}
	}
	return o, nil
}

// Find returns the item with this key, or nil.
func (o *Observed) Find(key fieldmanager.Key) *Live { return o.byKey[key] }

// FindName returns the item with this name, or nil.
func (o *Observed) FindName(name string) *Live { return o.byName[name] }

// Has reports whether the list has these items, with the names and the values of fields
// that they have.
func (o *Observed) Has(items []Item) bool {
	return !slices.ContainsFunc(items, func(i Item) bool {
		live := o.byKey[i.Key]
		if i.Name != "" {
			live = o.byName[i.Name]
		}
		return live == nil || live.Key != i.Key || !live.has(i.Values)
	})
}

// has reports whether the item has these values, as far as they are set.
func (l *Live) has(values [MaxFields]any) bool {
	for at, value := range values {
		if value != nil && value != l.Values[at] {
			return false
		}
	}
	return true
}

// Own returns the items that we own and those given, as they are, in live order. Names
// that only another manager owns, or that are no adapter item's, are left out, as an apply
// must not take them, and so are fields that we do not own.
func (o *Observed) Own(also ...*Live) []Item {
	var items []Item
	for _, l := range o.Items {
		if !l.Duplicate && (l.Ours || slices.Contains(also, l)) {
			items = append(items, o.asOwned(l))
		}
	}
	return items
}

// asOwned returns a live item with what we own of it, and its name where no manager owns that.
func (o *Observed) asOwned(l *Live) Item {
	item := Item{Key: l.Key, Values: l.ownValues()}
	if (l.NameOurs || len(l.Namers) == 0) && o.List.isAdapters(l.Name) {
		item.Name = l.Name
	}
	return item
}

// ownValues returns the values of the fields that we own.
func (l *Live) ownValues() (values [MaxFields]any) {
	for at := range l.Fields {
		if l.Fields[at].Ours {
			values[at] = l.Values[at]
		}
	}
	return values
}

// NamedByOwner reports whether another manager owns both the item and its name.
func (l *Live) NamedByOwner() bool {
	return slices.ContainsFunc(l.Others, func(m fieldmanager.Manager) bool { return slices.Contains(l.Namers, m) })
}

// Renamed reports whether we own the item alone, and another manager gave it the name
// that it has (row 3). We never delete such an item.
func (l *Live) Renamed() bool {
	return l.Ours && len(l.Others) == 0 && l.Name != "" && !l.NameOurs && len(l.Namers) > 0
}

// without returns managers without one, and whether it was among them.
func without(managers []fieldmanager.Manager, m fieldmanager.Manager) (rest []fieldmanager.Manager, found bool) {
	for _, other := range managers {
		if other == m {
			found = true
		} else {
			rest = append(rest, other)
		}
	}
	return rest, found
}
