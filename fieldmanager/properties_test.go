package fieldmanager_test

import (
	"maps"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// A small universe, so that managers meet in the same items.
var (
	universe = []fieldmanager.Manager{
		argocd, operator, portside, fieldmanager.Updater("portside"),
		{Name: "dittofs-operator", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status"},
	}
	lists = map[string]fieldmanager.List{
		"ports of web":           ports,
		"ports of sidecar":       fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "sidecar"), "ports"),
		"ports of web, the init": fieldmanager.ListAt("spec", "template", "spec", "initContainers", fieldmanager.KeyOf("name", "web"), "ports"),
		"conditions":             fieldmanager.ListAt("status", "conditions"),
		"containers":             containers,
	}
	keys = map[string]fieldmanager.Key{
		"1/TCP":   port(1),
		"2/TCP":   port(2),
		"1/UDP":   fieldmanager.KeyOf("containerPort", 1, "protocol", "UDP"),
		"web":     fieldmanager.KeyOf("name", "web"),
		"sidecar": fieldmanager.KeyOf("name", "sidecar"),
	}
	fields = []string{"containerPort", "name", "protocol", "hostPort", "valueFrom"}
)

// named draws the name of one of all, which is what the log of a failure shows.
func named[T any](all map[string]T) *rapid.Generator[string] {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(all)))
}

// randomSet holds some items, some of their fields, parts of such fields, and
// now and then an item above a list or the list.
func randomSet(t *rapid.T, label string) *fieldpath.Set {
	set := fieldpath.NewSet()
	for range rapid.IntRange(0, 12).Draw(t, label+" paths") {
		list := lists[named(lists).Draw(t, label+" list")]
		path := fieldmanager.PathOf(list.Item(keys[named(keys).Draw(t, label+" key")]))
		field := fieldpath.MakePathOrDie(rapid.SampledFrom(fields).Draw(t, label+" field"))
		switch rapid.SampledFrom([]string{"item", "item", "field", "field", "part", "list", "above"}).Draw(t, label+" depth") {
		case "field":
			path = append(path, field...)
		case "part":
			path = append(append(path, field...), fieldpath.MakePathOrDie("part")...)
		case "list":
			path = path[:len(path)-1]
		case "above":
			set = set.Union(fieldmanager.SetOf(list.Claim(nil)))
			continue
		}
		set.Insert(path)
	}
	return set
}

// randomItems may hold an item twice, as those of a caller may.
func randomItems(t *rapid.T) []fieldmanager.Key {
	var items []fieldmanager.Key
	for _, name := range rapid.SliceOfN(named(keys), 0, 6).Draw(t, "items") {
		items = append(items, keys[name])
	}
	return items
}

func randomManaged(t *rapid.T) []metav1.ManagedFieldsEntry {
	var managed []metav1.ManagedFieldsEntry
	for i, m := range rapid.Permutation(universe).Draw(t, "managers")[:rapid.IntRange(0, len(universe)).Draw(t, "how many")] {
		raw, err := randomSet(t, m.String()).ToJSON()
		if err != nil {
			t.Fatal(err)
		}
		managed = append(managed, at(then(i), entry(m, string(raw))))
	}
	return managed
}

func TestHandOverMovesWhatItSaysAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := fieldmanager.Transfer{
			List:   lists[named(lists).Draw(t, "list")],
			Leaves: rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID).Draw(t, "leaves"),
			From:   rapid.SliceOfDistinct(rapid.SampledFrom(universe), rapid.ID).Draw(t, "givers"),
			Loose:  rapid.Bool().Draw(t, "loose"),
		}
		if rapid.Bool().Draw(t, "has a taker") {
			h.To = &fieldmanager.Recipient{Manager: rapid.SampledFrom(universe).Draw(t, "taker"), APIVersion: "apps/v1"}
		}
		checkHandOver(t, h, randomManaged(t), randomItems(t))
	})
}

// Of, Keys and In read the sets by descending into them; here every path of
// every set is checked instead.
func TestOwnersAreThoseWhoseSetsSaySo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		managed := randomManaged(t)
		entries := decode(t, managed...)
		list := lists[named(lists).Draw(t, "list")]
		var wantKeys []fieldmanager.Key
		for _, key := range keys {
			item := fieldmanager.PathOf(list.Item(key))
			want := fieldmanager.ItemOwners{Leaves: map[string][]fieldmanager.Manager{}}
			isNamed := false
			for _, e := range entries {
				fieldmanager.SetOf(e.Fields).Iterate(func(p fieldpath.Path) {
					switch {
					case p.Equals(item):
						want.Item = append(want.Item, e.Manager)
						isNamed = true
					case len(p) > len(item) && p[:len(item)].Equals(item):
						isNamed = true
						if field := p[len(item)].FieldName; !slices.Contains(want.Leaves[*field], e.Manager) {
							want.Leaves[*field] = append(want.Leaves[*field], e.Manager)
						}
					}
				})
				if got := slices.Contains(e.Keys(list), key); got != e.Fields.Has(list.Item(key)) {
					t.Fatalf("%s is among the keys of %s: %t", key, e.Manager, got)
				}
			}
			slices.SortFunc(want.Item, fieldmanager.Manager.Compare)
			for _, managers := range want.Leaves {
				slices.SortFunc(managers, fieldmanager.Manager.Compare)
			}
			same(t, "owners of "+item.String(), of(t, entries.In(list), key), want)
			if isNamed {
				wantKeys = append(wantKeys, key)
			}
		}
		slices.SortFunc(wantKeys, fieldmanager.CompareKeys)
		same(t, "keys", texts(entries.In(list).Keys()), texts(wantKeys))
	})
}

func TestClaimIsEnoughToHandOver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := lists[named(lists).Draw(t, "list")]
		leaves := rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID).Draw(t, "leaves")
		items := randomItems(t)
		claim, err := list.Claim(leaves, items...).FieldsV1()
		if err != nil {
			t.Fatal(err)
		}
		after, moved, err := fieldmanager.Transfer{List: list, Leaves: leaves, From: []fieldmanager.Manager{operator}}.Apply([]metav1.ManagedFieldsEntry{entry(operator, claim.GetRawString())}, items...)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(items, fieldmanager.CompareKeys)
		same(t, "moved", texts(moved), texts(slices.Compact(items)))
		left := fieldmanager.Fields{}
		if len(after) > 0 {
			left = decode(t, after...)[0].Fields
		}
		same(t, "left", left.Paths(), list.Claim(nil).Paths())
	})
}
