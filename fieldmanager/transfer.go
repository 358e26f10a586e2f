package fieldmanager

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Transfer moves the ownership of list items from some managers to one other.
// Of each item it moves the item itself and the leaves named, as far as the
// giver owns them; every other path of every manager stays where it was, and
// so does the object.
type Transfer struct {
	List List
	// Leaves are the fields of an item that its taker applies too; what is
	// below them moves with them. What a giver owns beside them it keeps: a
	// leaf alone does not keep an item.
	Leaves []string
	// From are the givers.
	From []Manager
	// To is the taker. It must name an apiVersion that the server converts, or
	// the server drops its entry. An entry of the taker's that is there
	// already grows. Without a taker the items belong to nobody afterwards.
	To *Recipient
}

// Recipient is who receives the items of a [Transfer].
type Recipient struct {
	Manager    Manager
	APIVersion string
}

// Apply does the hand-over on a copy of managed and tells which items moved.
// Items that no giver owns itself stay as they are; with none moved
// the answer equals managed.
func (h Transfer) Apply(managed []metav1.ManagedFieldsEntry, items ...Key) ([]metav1.ManagedFieldsEntry, []Key, error) {
	entries, err := Decode(managed)
	if err != nil {
		return nil, nil, err
	}
	var moved []Key
	var since *metav1.Time
	taken := fieldpath.NewSet()
	after := make([]metav1.ManagedFieldsEntry, 0, len(managed)+1)
	for i, e := range entries {
		gives, keys := h.share(e, items)
		if len(keys) == 0 {
			after = append(after, *managed[i].DeepCopy())
			continue
		}
		moved, taken, since = append(moved, keys...), taken.Union(gives), later(since, e.Time)
		if rest := e.Fields.Difference(gives); !rest.Empty() {
			kept, err := withFields(managed[i], rest)
			if err != nil {
				return nil, nil, err
			}
			after = append(after, kept)
		}
	}
	if len(moved) > 0 && h.To != nil {
		if h.To.Manager.Operation == metav1.ManagedFieldsOperationApply {
			// An applier names the items above. An updater does not come to own
			// them, and would keep them from those who do.
			taken = taken.Union(h.List.Claim(nil))
		}
		if after, err = h.To.take(after, taken, since); err != nil {
			return nil, nil, err
		}
	}
	return after, sorted(moved), nil
}

// share is what the entry gives away of the items.
func (h Transfer) share(e Entry, items []Key) (*fieldpath.Set, []Key) {
	if !slices.Contains(h.From, e.Manager) || (h.To != nil && e.Manager == h.To.Manager) {
		return nil, nil
	}
	var keys []Key
	for _, key := range items {
		if e.Fields.Has(h.List.Item(key)) {
			keys = append(keys, key)
		}
	}
	gives, depth := fieldpath.NewSet(), len(h.List.path)
	e.Fields.Iterate(func(p fieldpath.Path) {
		if len(p) > depth && p[:depth].Equals(h.List.path) && slices.ContainsFunc(keys, p[depth].Equals) && h.takes(p[depth+1:]) {
			gives.Insert(p)
		}
	})
	return gives, keys
}

// takes says whether a path below an item moves with it: the item itself, or
// what is at or below one of the leaves (an env var's valueFrom has parts).
func (h Transfer) takes(below fieldpath.Path) bool {
	return len(below) == 0 || (below[0].FieldName != nil && slices.Contains(h.Leaves, *below[0].FieldName))
}

// take adds the set to the taker's entry, or adds that entry.
func (t Recipient) take(managed []metav1.ManagedFieldsEntry, set *fieldpath.Set, since *metav1.Time) ([]metav1.ManagedFieldsEntry, error) {
	at := slices.IndexFunc(managed, func(e metav1.ManagedFieldsEntry) bool { return managerOf(&e) == t.Manager })
	if at < 0 {
		at = len(managed)
		managed = append(managed, metav1.ManagedFieldsEntry{
			Manager:     t.Manager.Name,
			Operation:   t.Manager.Operation,
			Subresource: t.Manager.Subresource,
			APIVersion:  t.APIVersion,
			FieldsType:  "FieldsV1",
			Time:        since,
		})
	}
	has, err := decodeSet(managed[at].FieldsV1)
	if err != nil {
		return nil, fmt.Errorf("managedFields of %q cannot be read: %w", t.Manager.Name, err)
	}
	managed[at], err = withFields(managed[at], has.Union(set))
	return managed, err
}

// Without is managed without the entries of m, of whatever API version.
func Without(managed []metav1.ManagedFieldsEntry, m Manager) []metav1.ManagedFieldsEntry {
	after := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		if managerOf(&managed[i]) != m {
			after = append(after, *managed[i].DeepCopy())
		}
	}
	return after
}

// WithoutBelow is managed without what m owns at or below the paths, and
// without its entry where nothing else is in it. Its error is an entry that
// cannot be read.
func WithoutBelow(managed []metav1.ManagedFieldsEntry, m Manager, paths ...fieldpath.Path) ([]metav1.ManagedFieldsEntry, error) {
	after := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		if managerOf(&managed[i]) != m {
			after = append(after, *managed[i].DeepCopy())
			continue
		}
		set, err := decodeSet(managed[i].FieldsV1)
		if err != nil {
			return nil, fmt.Errorf("managedFields of %q cannot be read: %w", m.Name, err)
		}
		rest := set.RecursiveDifference(fieldpath.NewSet(paths...))
		if rest.Empty() {
			continue
		}
		kept, err := withFields(managed[i], rest)
		if err != nil {
			return nil, err
		}
		after = append(after, kept)
	}
	return after, nil
}

func withFields(e metav1.ManagedFieldsEntry, set *fieldpath.Set) (metav1.ManagedFieldsEntry, error) {
	raw, err := set.ToJSON()
	if err != nil {
		return e, fmt.Errorf("managedFields of %q cannot be written: %w", e.Manager, err)
	}
	e = *e.DeepCopy()
	e.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return e, nil
}

func later(a, b *metav1.Time) *metav1.Time {
	if a == nil || (b != nil && a.Before(b)) {
		return b
	}
	return a
}

func sorted(keys []Key) []Key {
	slices.SortFunc(keys, Key.Compare)
	return slices.CompactFunc(keys, Key.Equals)
}
