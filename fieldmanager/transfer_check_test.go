package fieldmanager_test

import (
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

func contains(managers []fieldmanager.Manager, m fieldmanager.Manager) bool {
	return slices.Contains(managers, m)
}

// checkHandOver does a hand-over and holds what came of it against what the
// contract says of each manager, worked out path by path:
//
//   - a giver loses, of each item that it owns itself, the item and what it
//     owns at and below the fields named, and nothing else; with GivesList, one that
//     loses an item also loses the list itself;
//   - the taker gains what the givers lost, and the items above the list;
//   - everybody else owns what they owned;
//   - the input is as it was, and a second run moves nothing.
func checkHandOver(tb reporter, h fieldmanager.Transfer, managed []metav1.ManagedFieldsEntry, items []fieldmanager.Key) {
	tb.Helper()
	input := deepCopy(managed)
	after, moved, err := h.Apply(managed, items...)
	if err != nil {
		tb.Fatalf("Apply: %v", err)
	}
	if diff := cmp.Diff(input, managed, cmpopts.EquateEmpty()); diff != "" {
		tb.Fatalf("the hand-over changed its input:\n%s", diff)
	}
	was, is := sets(decode(tb, managed...)), sets(decode(tb, after...))
	gained := fieldpath.NewSet()
	var wantMoved []fieldmanager.Key
	want := map[fieldmanager.Manager]*fieldpath.Set{}
	for m, set := range was {
		want[m] = set
		if !contains(h.From, m) || (h.To != nil && m == h.To.Manager) {
			continue
		}
		gives, keys := fieldpath.NewSet(), []fieldmanager.Key{}
		set.Iterate(func(p fieldpath.Path) {
			for _, key := range items {
				item := fieldmanager.PathOf(h.List.Item(key))
				if !set.Has(item) && !h.Loose || len(p) < len(item) || !p[:len(item)].Equals(item) {
					continue
				}
				if len(p) == len(item) {
					gives.Insert(p)
					keys = append(keys, key)
				} else if field := p[len(item)].FieldName; field != nil && slices.Contains(h.Leaves, *field) {
					gives.Insert(p)
					if h.Loose {
						keys = append(keys, key)
					}
				}
			}
		})
		want[m] = set.Difference(gives)
		if h.GivesList && !gives.Empty() {
			want[m] = want[m].Difference(fieldpath.NewSet(fieldmanager.PathOf(h.List.Path())))
		}
		gained = gained.Union(gives)
		wantMoved = append(wantMoved, keys...)
	}
	if h.To != nil && len(wantMoved) > 0 {
		if want[h.To.Manager] == nil {
			want[h.To.Manager] = fieldpath.NewSet()
		}
		if h.To.Manager.Operation == metav1.ManagedFieldsOperationApply {
			gained = gained.Union(fieldmanager.SetOf(h.List.Claim(nil)))
		}
		want[h.To.Manager] = want[h.To.Manager].Union(gained)
	}
	for m := range union(want, is) {
		if w, g := orEmpty(want[m]), orEmpty(is[m]); !w.Equals(g) {
			tb.Fatalf("%s owns\n%v\nand should own\n%v", m, g, w)
		}
	}
	slices.SortFunc(wantMoved, fieldmanager.CompareKeys)
	if wantMoved = slices.Compact(wantMoved); !slices.Equal(moved, wantMoved) {
		tb.Fatalf("moved %v, should move %v", moved, wantMoved)
	}
	again, movedAgain, err := h.Apply(after, items...)
	if err != nil || len(movedAgain) > 0 || !cmp.Equal(again, after, cmpopts.EquateEmpty()) {
		tb.Fatalf("a second run moves %v (error %v):\n%s", movedAgain, err, cmp.Diff(after, again))
	}
	if len(moved) == 0 && !cmp.Equal(after, managed, cmpopts.EquateEmpty()) {
		tb.Fatalf("nothing moved, and yet:\n%s", cmp.Diff(managed, after))
	}
}

func union(a, b map[fieldmanager.Manager]*fieldpath.Set) map[fieldmanager.Manager]bool {
	all := map[fieldmanager.Manager]bool{}
	for m := range a {
		all[m] = true
	}
	for m := range b {
		all[m] = true
	}
	return all
}

func orEmpty(set *fieldpath.Set) *fieldpath.Set {
	if set == nil {
		return fieldpath.NewSet()
	}
	return set
}

func deepCopy(managed []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	out := make([]metav1.ManagedFieldsEntry, len(managed))
	for i := range managed {
		managed[i].DeepCopyInto(&out[i])
	}
	return out
}
