package fieldmanager_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

func TestKeyValues(t *testing.T) {
	t.Parallel()
	key := fieldmanager.KeyOf("protocol", "TCP", "containerPort", int32(12049))
	same(t, "the number", key.Value("containerPort"), any(int64(12049)))
	same(t, "the protocol", key.Value("protocol"), any("TCP"))
	same(t, "a field that it does not have", key.Value("hostPort"), nil)
	same(t, "a field of the zero key", fieldmanager.Key{}.Value("name"), nil)
	read := decode(t, entry(portside, portsOfWeb(`"k:{\"containerPort\":12049.0,\"protocol\":\"TCP\"}":{}`)))[0].Keys(ports)
	if len(read) != 1 || read[0] != key {
		t.Errorf("read %v, want %v", read, key)
	}
	three := fieldmanager.KeyOf("pool", "a", "driver", "d", "device", 1)
	same(t, "a field of three", three.Value("device"), any(int64(1)))
	if again := fieldmanager.KeyOf("driver", "d", "device", 1.0, "pool", "a"); again != three {
		t.Errorf("two keys of three fields differ: %v, %v", three, again)
	}
}

// A key without one of the list's key fields is the key of no item. To report that
// no manager owns it would be wrong.
func TestKeyLacksAField(t *testing.T) {
	t.Parallel()
	half := fieldmanager.KeyOf("containerPort", 12049)
	const want = "the key [containerPort=12049] lacks protocol, by which the items of the list are keyed, too"
	managed := entry(operator, portsOfWeb(item12049+threeOf))
	owners := decode(t, managed).In(ports)
	if _, err := owners.Of(half); err == nil || err.Error() != want {
		t.Errorf("Of: error %v, want %s", err, want)
	}
	if _, _, err := takePorts.Apply([]metav1.ManagedFieldsEntry{managed}, half); err == nil || err.Error() != want {
		t.Errorf("Transfer: error %v, want %s", err, want)
	}
	for name, key := range map[string]fieldmanager.Key{
		"all fields":                 port(2049),
		"another list's key":         fieldmanager.KeyOf("name", "web"),
		"more fields than the items": fieldmanager.KeyOf("containerPort", 12049, "protocol", "TCP", "hostPort", 1),
	} {
		if _, err := owners.Of(key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decode(t, entry(argocd, `{}`)).In(ports).Of(half); err != nil {
		t.Errorf("a list without owners: %v", err)
	}
}

func TestItems(t *testing.T) {
	t.Parallel()
	fields := decode(t, entry(argocd, inWeb(`".":{},"f:name":{},"f:image":{},"f:env":{"k:{\"name\":\"A\"}":{".":{}}},"f:ports":{".":{},`+item12049+`{".":{},"f:name":{}}}`)))[0].Fields
	const web = `.spec.template.spec.containers[name="web"]`
	same(t, "of containers", fields.Items(containers, "ports").Paths(), []string{
		web, web + ".name", web + `.ports[containerPort=12049,protocol="TCP"]`, web + `.ports[containerPort=12049,protocol="TCP"].name`,
	})
	same(t, "a list and below", fields.Of(containers.Item(fieldmanager.KeyOf("name", "web")).List("ports")).Paths(), []string{
		web + ".ports", web + `.ports[containerPort=12049,protocol="TCP"]`, web + `.ports[containerPort=12049,protocol="TCP"].name`,
	})
	same(t, "a list that is not owned", fields.Of(fieldmanager.ListAt("status", "conditions")).Paths(), []string(nil))
	same(t, "of a list that is not owned", fields.Items(fieldmanager.ListAt("status", "conditions")).Paths(), []string(nil))
}
