package fieldmanager

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Transfer moves the ownership of list items from some managers to one other.
// Of each item it moves the item itself and the leaves named, as far as the
// former owner owns them; every other path of every manager stays where it was, and
// so does the object.
type Transfer struct {
	List List
	// Leaves are the fields of an item that its recipient applies too; what is
	// below them moves with them. A former owner keeps what else it owns of the item: a
	// leaf alone does not keep an item.
	Leaves []string
	// Loose moves leaves also of items that their former owner does not own itself, as of
	// one that has changed a leaf of another manager's item.
	Loose bool
	// GivesList makes a former owner that gives an item give up the list itself as well,
	// which the Update that created the list owns. No manager receives it. Without it the
	// claim outlives the last item, and is then a conflict with every apply of an item.
	GivesList bool
	// From are the former owners.
	From []Manager
	// To is the recipient. It must name an apiVersion that the server converts, or
	// the server drops its entry. An entry that the recipient already has grows.
	// Without a recipient no manager owns the items afterwards.
	To *Recipient
}

// Recipient is the manager that receives the items of a [Transfer].
type Recipient struct {
	Manager    Manager
	APIVersion string
}

// Apply returns managed after the transfer, as a copy, and the items that moved.
// Items that none of them owns itself stay as they are, unless [Transfer.Loose] is set; with
// none moved the copy equals managed. Its error is an entry that cannot be read, or a key
// that lacks a key field of the list.
func (t Transfer) Apply(managed []metav1.ManagedFieldsEntry, items ...Key) ([]metav1.ManagedFieldsEntry, []Key, error) {
	entries, err := Decode(managed)
	if err != nil {
		return nil, nil, err
	}
	owners := entries.In(t.List)
	for _, key := range items {
		if err := owners.check(key); err != nil {
			return nil, nil, err
		}
	}
	var moved []Key
	var since *metav1.Time
	taken := Fields{}
	after := make([]metav1.ManagedFieldsEntry, 0, len(managed)+1)
	for i, e := range entries {
		gives, keys := t.share(e, items)
		if len(keys) == 0 {
			after = append(after, *managed[i].DeepCopy())
			continue
		}
		moved, taken, since = append(moved, keys...), taken.Union(gives), later(since, e.Time)
		rest := e.Fields.Difference(gives)
		if t.GivesList {
			rest = Fields{rest.read().Difference(fieldpath.NewSet(t.List.path))}
		}
		if !rest.Empty() {
			kept, err := withFields(managed[i], rest)
			if err != nil {
				return nil, nil, err
			}
			after = append(after, kept)
		}
	}
	if len(moved) > 0 && t.To != nil {
		if t.To.Manager.Operation == metav1.ManagedFieldsOperationApply {
			// An applier names the items above. An updater does not come to own
			// them, and would keep them from those who do.
			taken = taken.Union(t.List.Claim(nil))
		}
		if after, err = t.To.take(after, taken, since); err != nil {
			return nil, nil, err
		}
	}
	return after, sorted(moved), nil
}

// share returns the fields of the items that the entry gives away, and which items
// these are.
func (t Transfer) share(e Entry, items []Key) (Fields, []Key) {
	if !slices.Contains(t.From, e.Manager) || (t.To != nil && e.Manager == t.To.Manager) {
		return Fields{}, nil
	}
	items = slices.DeleteFunc(slices.Clone(items), func(key Key) bool { return !t.Loose && !e.Fields.Has(t.List.Item(key)) })
	elements := make([]fieldpath.PathElement, len(items))
	for i, key := range items {
		elements[i] = key.element()
	}
	var keys []Key
	gives, depth := fieldpath.NewSet(), len(t.List.path)
	e.Fields.read().Iterate(func(p fieldpath.Path) {
		if len(p) <= depth || !p[:depth].Equals(t.List.path) || !t.takes(p[depth+1:]) {
			return
		}
		if at := slices.IndexFunc(elements, p[depth].Equals); at >= 0 {
			gives.Insert(p)
			keys = append(keys, items[at])
		}
	})
	return Fields{gives}, keys
}

// takes reports whether a path below an item moves with it: the item itself, or
// what is at or below one of the leaves (an env var's valueFrom has parts).
func (t Transfer) takes(below fieldpath.Path) bool {
	return len(below) == 0 || (below[0].FieldName != nil && slices.Contains(t.Leaves, *below[0].FieldName))
}

// take adds the fields to the recipient's entry, or adds that entry.
func (r Recipient) take(managed []metav1.ManagedFieldsEntry, fields Fields, since *metav1.Time) ([]metav1.ManagedFieldsEntry, error) {
	at := slices.IndexFunc(managed, func(e metav1.ManagedFieldsEntry) bool { return ManagerOf(&e) == r.Manager })
	if at < 0 {
		at = len(managed)
		managed = append(managed, metav1.ManagedFieldsEntry{
			Manager:     r.Manager.Name,
			Operation:   r.Manager.Operation,
			Subresource: r.Manager.Subresource,
			APIVersion:  r.APIVersion,
			FieldsType:  "FieldsV1",
			Time:        since,
		})
	}
	has, err := decodeFields(managed[at].FieldsV1)
	if err != nil {
		return nil, fmt.Errorf("managedFields of %q cannot be read: %w", r.Manager.Name, err)
	}
	managed[at], err = withFields(managed[at], has.Union(fields))
	return managed, err
}

func withFields(e metav1.ManagedFieldsEntry, fields Fields) (metav1.ManagedFieldsEntry, error) {
	written, err := fields.FieldsV1()
	if err != nil {
		return e, fmt.Errorf("managedFields of %q cannot be written: %w", e.Manager, err)
	}
	e = *e.DeepCopy()
	e.FieldsV1 = written
	return e, nil
}

func later(a, b *metav1.Time) *metav1.Time {
	if a == nil || (b != nil && a.Before(b)) {
		return b
	}
	return a
}

func sorted(keys []Key) []Key {
	slices.SortFunc(keys, Key.compare)
	return slices.Compact(keys)
}
