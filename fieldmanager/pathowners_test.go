package fieldmanager_test

import (
	"testing"

	"github.com/portside-dev/portside/fieldmanager"
)

func TestPathOwners(t *testing.T) {
	t.Parallel()
	entries := decode(t,
		entry(argocd, `{"f:metadata":{"f:finalizers":{"v:\"b\"":{}}},"f:spec":{"f:selector":{},"f:ports":{`+item2049+threeOf+`}}}`),
		entry(operator, `{"f:metadata":{"f:finalizers":{".":{},"v:\"a\"":{}}},"f:spec":{"f:replicas":{},"f:ports":{`+item12049+`{"f:name":{}}}}}`),
	)
	spec := entries.Root().Field("spec")
	same(t, "owners of a struct", spec.Owners(), []fieldmanager.Manager(nil))
	same(t, "owners below a struct", spec.Below(), []fieldmanager.Manager{argocd, operator})
	same(t, "fields", spec.Fields(), []string{"ports", "replicas", "selector"})

	ports := spec.Field("ports")
	same(t, "keys", texts(ports.Keys()), []string{`[containerPort=2049,protocol="TCP"]`, `[containerPort=12049,protocol="TCP"]`})
	same(t, "key fields", ports.Keys()[0].Fields(), []string{"containerPort", "protocol"})
	same(t, "owners of an item", ports.Item(port(2049)).Owners(), []fieldmanager.Manager{argocd})
	same(t, "owners of an item of which a leaf is owned", ports.Item(port(12049)).Owners(), []fieldmanager.Manager(nil))
	same(t, "owners below it", ports.Item(port(12049)).Below(), []fieldmanager.Manager{operator})
	same(t, "owners of its leaf", ports.Item(port(12049)).Field("name").Owners(), []fieldmanager.Manager{operator})
	same(t, "owners of an item that no manager names", ports.Item(port(1)).Leaf(), true)

	finalizers := entries.Root().Field("metadata").Field("finalizers")
	same(t, "owners of a set", finalizers.Owners(), []fieldmanager.Manager{operator})
	same(t, "values", finalizers.Values(), []any{"a", "b"})
	same(t, "owners of a value", finalizers.Value("b").Owners(), []fieldmanager.Manager{argocd})

	same(t, "an atomic struct is a leaf", spec.Field("selector").Leaf(), true)
	same(t, "a list with items is a leaf", ports.Leaf(), false)
}

func TestPath_Elements(t *testing.T) {
	t.Parallel()
	list := fieldmanager.PathTo("spec", "ports")
	for want, path := range map[string]fieldmanager.Path{
		`.spec.ports[containerPort=1,protocol="TCP"].name`: list.Item(port(1)).Field("name"),
		`.spec.ports[="x"]`: list.Value("x"),
		`.spec.ports[3]`:    list.Index(3),
	} {
		same(t, "path", path.String(), want)
	}
}
