package fieldmanager_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

func TestOf(t *testing.T) {
	t.Parallel()
	updater := fieldmanager.Updater("portside")
	status := fieldmanager.Manager{Name: "portside", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status"}
	type owners = fieldmanager.ItemOwners
	type managers = []fieldmanager.Manager
	type leaves = map[string][]fieldmanager.Manager
	for name, test := range map[string]struct {
		managed []metav1.ManagedFieldsEntry
		want    owners
	}{
		"no_owner": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(item2049+threeOf))},
			want:    owners{Leaves: leaves{}},
		},
		"an item written as a dot, with its leaves": {
			managed: []metav1.ManagedFieldsEntry{entry(portside, portsOfWeb(item12049+threeOf))},
			want:    owners{Item: managers{portside}, Leaves: leaves{"containerPort": {portside}, "name": {portside}, "protocol": {portside}}},
		},
		"an item written as an empty object": {
			managed: []metav1.ManagedFieldsEntry{entry(portside, portsOfWeb(item12049+`{}`))},
			want:    owners{Item: managers{portside}, Leaves: leaves{}},
		},
		"an item written as null": {
			managed: []metav1.ManagedFieldsEntry{entry(portside, portsOfWeb(item12049+`null`))},
			want:    owners{Item: managers{portside}, Leaves: leaves{}},
		},
		"a leaf alone owns no item": {
			managed: []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{"f:hostPort":{}}`))},
			want:    owners{Leaves: leaves{"hostPort": {operator}}},
		},
		"the list alone owns no item": {
			managed: []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(`".":{}`))},
			want:    owners{Leaves: leaves{}},
		},
		"several owners, sorted, whatever the order of entries": {
			managed: []metav1.ManagedFieldsEntry{
				entry(portside, portsOfWeb(item12049+`{".":{},"f:name":{}}`)),
				entry(operator, portsOfWeb(item12049+`{"f:name":{}}`)),
				entry(argocd, portsOfWeb(item12049+`{".":{},"f:name":{}}`)),
			},
			want: owners{Item: managers{argocd, portside}, Leaves: leaves{"name": {argocd, operator, portside}}},
		},
		"one name that applies, updates, and updates a subresource": {
			managed: []metav1.ManagedFieldsEntry{
				entry(status, portsOfWeb(item12049+`{}`)),
				entry(updater, portsOfWeb(item12049+`{}`)),
				entry(portside, portsOfWeb(item12049+`{}`)),
			},
			want: owners{Item: managers{portside, updater, status}, Leaves: leaves{}},
		},
		"two entries of one manager are one owner": {
			managed: []metav1.ManagedFieldsEntry{
				entry(operator, portsOfWeb(item12049+`{".":{},"f:name":{}}`)),
				{Manager: operator.Name, Operation: operator.Operation, APIVersion: "apps/v1beta2", FieldsV1: metav1.NewFieldsV1(portsOfWeb(item12049 + `{".":{},"f:name":{}}`))},
			},
			want: owners{Item: managers{operator}, Leaves: leaves{"name": {operator}}},
		},
		"another container's item": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"gone\"}":{"f:ports":{`+item12049+threeOf+`}}}}}}}`)},
			want:    owners{Leaves: leaves{}},
		},
		"an init container's item": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, `{"f:spec":{"f:template":{"f:spec":{"f:initContainers":{"k:{\"name\":\"web\"}":{"f:ports":{`+item12049+threeOf+`}}}}}}}`)},
			want:    owners{Leaves: leaves{}},
		},
		"a key whose fields are in another order": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(`"k:{\"protocol\":\"TCP\",\"containerPort\":12049}":{}`))},
			want:    owners{Item: managers{argocd}, Leaves: leaves{}},
		},
		"a key with a number as a float": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(`"k:{\"containerPort\":12049.0,\"protocol\":\"TCP\"}":{}`))},
			want:    owners{Item: managers{argocd}, Leaves: leaves{}},
		},
		"a key with the number as a string is another": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(`"k:{\"containerPort\":\"12049\",\"protocol\":\"TCP\"}":{}`))},
			want:    owners{Leaves: leaves{}},
		},
		"a key with another protocol is another": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(`"k:{\"containerPort\":12049,\"protocol\":\"UDP\"}":{}`))},
			want:    owners{Leaves: leaves{}},
		},
		"half a key is another": {
			managed: []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(`"k:{\"containerPort\":12049}":{}`))},
			want:    owners{Leaves: leaves{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "owners", of(t, decode(t, test.managed...).In(ports), port(12049)), test.want)
		})
	}
}

func TestOfAFieldWithParts(t *testing.T) {
	t.Parallel()
	entries := decode(t, entry(argocd, inWeb(`"f:env":{"k:{\"name\":\"TOKEN\"}":{".":{},"f:name":{},"f:valueFrom":{"f:secretKeyRef":{}}}}`)))
	got := of(t, entries.In(envVars), fieldmanager.KeyOf("name", "TOKEN"))
	same(t, "owners of valueFrom", got.Leaves["valueFrom"], []fieldmanager.Manager{argocd})
}

// TestStaleContainer has an entry that names a container which no longer exists. It is
// returned as it is: only the object shows whether it still has the container.
func TestStaleContainer(t *testing.T) {
	t.Parallel()
	entries := decode(t, entry(portside, `{"f:spec":{"f:template":{"f:spec":{"f:containers":{`+
		`"k:{\"name\":\"gone\"}":{".":{},"f:name":{},"f:ports":{`+item12049+threeOf+`}},"k:{\"name\":\"web\"}":{".":{},"f:name":{}}}}}}}`))
	same(t, "containers", texts(entries[0].Keys(containers)), []string{`[name="gone"]`, `[name="web"]`})
	same(t, "ports of web", texts(entries[0].Keys(ports)), []string(nil))
	gone := fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "gone"), "ports")
	same(t, "ports of gone", of(t, entries.In(gone), port(12049)).Item, []fieldmanager.Manager{portside})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	entries := decode(t,
		entry(portside, portsOfWeb(`".":{},`+item12049+threeOf+`,`+item2049+`{"f:hostPort":{}},"k:{\"containerPort\":445,\"protocol\":\"UDP\"}":{},`+
			`"k:{\"containerPort\":445,\"protocol\":\"TCP\"}":{},"v:1":{},"i:0":{},"f:odd":{}`)),
		entry(operator, portsOfWeb(item2049+threeOf)),
	)
	same(t, "an entry's own items", texts(entries[0].Keys(ports)), []string{
		`[containerPort=445,protocol="TCP"]`, `[containerPort=445,protocol="UDP"]`, `[containerPort=12049,protocol="TCP"]`,
	})
	same(t, "items with an owner", texts(entries.In(ports).Keys()), []string{
		`[containerPort=445,protocol="TCP"]`, `[containerPort=445,protocol="UDP"]`,
		`[containerPort=2049,protocol="TCP"]`, `[containerPort=12049,protocol="TCP"]`,
	})
	same(t, "items of a list without owners", texts(entries.In(envVars).Keys()), []string(nil))
}

// TestOwnersOf: the list itself is owned apart from its items.
func TestOwnersOf(t *testing.T) {
	t.Parallel()
	helm := fieldmanager.Updater("helm")
	entries := decode(t,
		entry(portside, portsOfWeb(item12049+threeOf)),
		entry(helm, portsOfWeb(`".":{},`+item2049+threeOf)),
		entry(operator, inWeb(`"f:ports":{}`)),
		entry(argocd, inWeb(`"f:env":{".":{}}`)),
	)
	same(t, "owners of ports", entries.OwnersOf(ports), []fieldmanager.Manager{operator, helm})
	same(t, "owners of env", entries.OwnersOf(envVars), []fieldmanager.Manager{argocd})
	same(t, "their path", ports.Path().String(), `.spec.template.spec.containers[name="web"].ports`)
}

func TestOutside(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields string
		lists  []fieldmanager.List
		first  string
		count  int
	}{
		"nothing":                       {`{}`, []fieldmanager.List{ports}, "", 0},
		"items, leaves, and the key":    {inWeb(`".":{},"f:name":{},"f:ports":{` + item12049 + threeOf + `,` + item2049 + `{"f:hostPort":{}}}`), []fieldmanager.List{ports}, "", 0},
		"the list itself":               {inWeb(`"f:ports":{}`), []fieldmanager.List{ports}, "", 0},
		"another list":                  {inWeb(`".":{},"f:name":{},"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}`), []fieldmanager.List{ports}, `.spec.template.spec.containers[name="web"].env[name="A"].name`, 2},
		"two lists":                     {inWeb(`"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{}}},"f:image":{}`), []fieldmanager.List{ports, envVars}, `.spec.template.spec.containers[name="web"].image`, 1},
		"no list":                       {portsOfWeb(item12049 + threeOf), nil, `.spec.template.spec.containers[name="web"].ports[containerPort=12049,protocol="TCP"].containerPort`, 3},
		"in the order of managedFields": {`{"f:spec":{"f:replicas":{}},"f:metadata":{"f:labels":{"f:b":{},"f:a":{}}}}`, []fieldmanager.List{ports}, ".metadata.labels.a", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, count := decode(t, entry(portside, c.fields))[0].Outside(c.lists...)
			same(t, "first", first, c.first)
			same(t, "count", count, c.count)
		})
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	const web = `.spec.template.spec.containers[name="web"]`
	for name, test := range map[string]struct {
		list   fieldmanager.List
		leaves []string
		keys   []fieldmanager.Key
		want   []string
	}{
		"no items: the key of the item above": {
			list: ports, leaves: portLeaves,
			want: []string{web, web + `.name`},
		},
		"items and their leaves": {
			list: ports, leaves: portLeaves, keys: []fieldmanager.Key{port(12049)},
			want: []string{
				web, web + `.name`, web + `.ports[containerPort=12049,protocol="TCP"]`,
				web + `.ports[containerPort=12049,protocol="TCP"].containerPort`,
				web + `.ports[containerPort=12049,protocol="TCP"].name`,
				web + `.ports[containerPort=12049,protocol="TCP"].protocol`,
			},
		},
		"items without leaves": {
			list: ports, keys: []fieldmanager.Key{port(1), port(2), port(1)},
			want: []string{web, web + `.name`, web + `.ports[containerPort=1,protocol="TCP"]`, web + `.ports[containerPort=2,protocol="TCP"]`},
		},
		"a list at the top, without items": {
			list: fieldmanager.ListAt("status", "conditions"),
		},
		"a list at the top": {
			list: fieldmanager.ListAt("status", "conditions"), leaves: []string{"status"}, keys: []fieldmanager.Key{fieldmanager.KeyOf("type", "Ready")},
			want: []string{`.status.conditions[type="Ready"]`, `.status.conditions[type="Ready"].status`},
		},
		"lists within lists, each key field of each item above": {
			list: fieldmanager.ListAt("outer", fieldmanager.KeyOf("b", 1, "a", "x"), "inner", fieldmanager.KeyOf("id", true), "list"),
			want: []string{`.outer[a="x",b=1]`, `.outer[a="x",b=1].a`, `.outer[a="x",b=1].b`, `.outer[a="x",b=1].inner[id=true]`, `.outer[a="x",b=1].inner[id=true].id`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "claim", test.list.Claim(test.leaves, test.keys...).Paths(), test.want)
		})
	}
}

// Paths share nothing: one that is made longer leaves the others as they are.
func TestItemsAreApart(t *testing.T) {
	t.Parallel()
	first, second := ports.Item(port(1)), ports.Item(port(2))
	same(t, "a field of the first", first.Field("name").String(), first.String()+".name")
	_ = second.Field("name")
	same(t, "first", first.String(), `.spec.template.spec.containers[name="web"].ports[containerPort=1,protocol="TCP"]`)
	same(t, "second", second.String(), `.spec.template.spec.containers[name="web"].ports[containerPort=2,protocol="TCP"]`)
}

// TestKeysOfNamedTypes: what a typed object holds finds what managedFields name.
func TestKeysOfNamedTypes(t *testing.T) {
	t.Parallel()
	type number uint16
	for name, key := range map[string]fieldmanager.Key{
		"plain":          fieldmanager.KeyOf("containerPort", 12049, "protocol", "TCP"),
		"typed port":     fieldmanager.KeyOf("containerPort", int32(12049), "protocol", corev1.ProtocolTCP),
		"a type of mine": fieldmanager.KeyOf("protocol", corev1.ProtocolTCP, "containerPort", number(12049)),
	} {
		if key != port(12049) {
			t.Errorf("%s: the key is %s", name, key)
		}
	}
}

func TestWrongPathsPanic(t *testing.T) {
	t.Parallel()
	var odd []any
	odd = append(odd, "containerPort", 1, "protocol")
	for name, wrong := range map[string]func(){
		"a key without fields":      func() { fieldmanager.ListAt("containers", fieldmanager.KeyOf(), "ports") },
		"a key that is none":        func() { fieldmanager.ListAt("containers", fieldmanager.Key{}, "ports") },
		"neither string nor key":    func() { fieldmanager.ListAt("containers", 1.5) },
		"an index":                  func() { fieldmanager.ListAt("containers", 0, "ports") },
		"a value is missing":        func() { fieldmanager.KeyOf(odd...) },
		"a value of no kind":        func() { fieldmanager.KeyOf("name", []string{"web"}) },
		"a field that is no string": func() { fieldmanager.KeyOf(1, "containerPort") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			wrong()
		})
	}
}
