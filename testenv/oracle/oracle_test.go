package oracle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv/oracle"
)

const (
	us   = "portside/Apply"
	argo = "argocd/Apply"
	edit = "kubectl-edit/Update"
)

var contract = oracle.Contract{Manager: "portside"}

// item is a live port: its text as Item.String writes it, the owners of the item and those
// of its name, separated by spaces.
type item struct{ text, owners, namers string }

func (i item) live() *oracle.Item {
	port, target, service := strings.Cut(i.text, "->")
	live := &oracle.Item{Key: key(port), Owners: strings.Fields(i.owners), Fields: map[string]string{}, Leaves: map[string][]string{oracle.Name: strings.Fields(i.namers)}}
	live.Name, _, _ = strings.Cut(port, ":")
	if service {
		live.Fields[oracle.TargetPort], live.Leaves[oracle.TargetPort] = target, strings.Fields(i.owners)
	}
	return live
}

// key returns the key of a port such as adapter-nfs:12049/TCP.
func key(port string) (k oracle.Key) {
	_, number, _ := strings.Cut(port, ":")
	if _, err := fmt.Sscanf(strings.Replace(number, "/", " ", 1), "%d %s", &k.Number, &k.Protocol); err != nil {
		panic(err)
	}
	return k
}

// desire returns desired ports, such as adapter-nfs:2049/TCP->12049.
func desire(ports ...string) (desired []oracle.Port) {
	for _, text := range ports {
		port, target, service := strings.Cut(text, "->")
		p := oracle.Port{Key: key(port)}
		p.Name, _, _ = strings.Cut(port, ":")
		if service {
			p.Fields = map[string]string{oracle.TargetPort: target}
		}
		desired = append(desired, p)
	}
	return desired
}

func TestExpect(t *testing.T) {
	t.Parallel()
	api := item{"api:8080/TCP", argo, argo}
	for name, test := range map[string]struct {
		list    oracle.List
		live    []item
		desired []oracle.Port
		states  string // state and case of each desired port
		ports   []string
		claim   []string
	}{
		"1 adds new ports last, by number": {
			live: []item{api}, desired: desire("adapter-smb:445/TCP", "adapter-nfs:111/TCP"), states: "Owned 1, Owned 1",
			ports: []string{"api:8080/TCP", "adapter-nfs:111/TCP", "adapter-smb:445/TCP"}, claim: []string{"111/TCP . name", "445/TCP . name"},
		},
		"2 renames a port that is ours alone": {
			live: []item{{"adapter-smb:445/TCP", us, us}}, desired: desire("adapter-nfs:445/TCP"), states: "Owned 2",
			ports: []string{"adapter-nfs:445/TCP"}, claim: []string{"445/TCP . name"},
		},
		"2 exchanges the names of two ports": {
			live: []item{{"adapter-nfs:1/TCP", us, us}, {"adapter-smb:2/TCP", us, us}}, desired: desire("adapter-nfs:2/TCP", "adapter-smb:1/TCP"), states: "Owned 2, Owned 2",
			ports: []string{"adapter-smb:1/TCP", "adapter-nfs:2/TCP"}, claim: []string{"1/TCP . name", "2/TCP . name"},
		},
		"3 keeps a renamed port": {
			live: []item{{"edited:445/TCP", us, edit}}, desired: desire("adapter-smb:445/TCP"), states: "Blocked 3",
			ports: []string{"edited:445/TCP"}, claim: []string{"445/TCP ."},
		},
		"4 shares a port": {
			live: []item{{"adapter-nfs:1/TCP", argo, argo}}, desired: desire("adapter-nfs:1/TCP"), states: "Shared 4",
			ports: []string{"adapter-nfs:1/TCP"}, claim: []string{"1/TCP . name"},
		},
		"5 gives M's port back": {
			live: []item{{"adapter-nfs:1/TCP", argo + " " + us, us}}, desired: desire("adapter-nfs:1/TCP"), states: "Shadowed 5",
			ports: []string{":1/TCP"},
		},
		"6 leaves M's port alone": {
			live: []item{{"nfs:1/TCP", argo, argo}}, desired: desire("adapter-nfs:1/TCP"), states: "Shadowed 6", ports: []string{"nfs:1/TCP"},
		},
		"7 takes an unowned port of our name": {
			live: []item{api, {"adapter-nfs:1/TCP", "", ""}}, desired: desire("adapter-nfs:1/TCP"), states: "Owned 7",
			ports: []string{"api:8080/TCP", "adapter-nfs:1/TCP"}, claim: []string{"1/TCP . name"},
		},
		"8 leaves another unowned port alone": {
			live: []item{api, {"nfs:1/TCP", "", ""}}, desired: desire("adapter-nfs:1/TCP"), states: "Shadowed 8",
			ports: []string{"api:8080/TCP", "nfs:1/TCP"},
		},
		"9 does not renumber a port that M owns": {
			live: []item{{"adapter-nfs:1/TCP", argo + " " + us, argo + " " + us}}, desired: desire("adapter-nfs:2/TCP"), states: "Blocked 9",
			ports: []string{"adapter-nfs:1/TCP"},
		},
		"10 renumbers an unowned port": {
			live: []item{api, {"adapter-nfs:1/TCP", "", ""}}, desired: desire("adapter-nfs:2/TCP"), states: "Owned 10",
			ports: []string{"api:8080/TCP", "adapter-nfs:2/TCP"}, claim: []string{"2/TCP . name"},
		},
		"11 adds nothing to a key that two ports have": {
			live: []item{{"nfs:1/TCP", argo, argo}, {"adapter-nfs:1/TCP", edit, edit}}, desired: desire("adapter-nfs:1/TCP"), states: "Blocked 11",
			ports: []string{"nfs:1/TCP", "adapter-nfs:1/TCP"},
		},
		"20 takes the first of two with one name": {
			desired: desire("adapter-nfs:1/TCP", "adapter-nfs:2/TCP", "adapter-smb:1/TCP"), states: "Owned 1, Blocked 20, Blocked 20",
			ports: []string{"adapter-nfs:1/TCP"}, claim: []string{"1/TCP . name"},
		},
		"21 keeps what is live under the name of an invalid port": {
			live: []item{{"adapter-nfs:1/TCP", us, us}}, desired: []oracle.Port{{Name: "adapter-nfs", Invalid: true}}, states: "Invalid 21",
			ports: []string{"adapter-nfs:1/TCP"}, claim: []string{"1/TCP . name"},
		},
		"22 removes ports that are not allowed": {
			list: oracle.List{NotAllowed: true}, live: []item{api, {"adapter-nfs:1/TCP", us, us}}, desired: desire("adapter-nfs:1/TCP"), states: "Blocked 22",
			ports: []string{"api:8080/TCP"},
		},
		"23 leaves a renamed port that is not desired": {
			live: []item{api, {"edited:1/TCP", us, edit}}, ports: []string{"api:8080/TCP", "edited:1/TCP"},
		},
		"24 adds nothing next to a port without a name": {
			list: oracle.List{Service: true, NeedsPort: true}, live: []item{{":80/TCP->80", argo, ""}}, desired: desire("adapter-nfs:2049/TCP->12049"), states: "Blocked 24",
			ports: []string{":80/TCP->80"},
		},
		"25 keeps the last port": {
			list: oracle.List{Service: true, NeedsPort: true}, live: []item{{"adapter-nfs:2049/TCP->12049", us, us}},
			ports: []string{"adapter-nfs:2049/TCP->12049"}, claim: []string{"2049/TCP . name targetPort"},
		},
		"26 keeps our name on M's port next to others": {
			list: oracle.List{Service: true}, live: []item{{"api:80/TCP->80", edit, edit}, {"adapter-nfs:2049/TCP->12049", argo + " " + us, us}},
			ports: []string{"api:80/TCP->80", "adapter-nfs:2049/TCP->12049"}, claim: []string{"2049/TCP . name"},
		},
		"30 shares with before-first-apply": {
			list: oracle.List{Unmanaged: true}, live: []item{{"adapter-nfs:1/TCP", "", ""}}, desired: desire("adapter-nfs:1/TCP"), states: "Shared 4",
			ports: []string{"adapter-nfs:1/TCP"}, claim: []string{"1/TCP . name"},
		},
		"31 writes nothing for a manager with other fields": {
			list: oracle.List{Foreign: []string{"f:spec f:replicas"}}, desired: desire("adapter-nfs:1/TCP"), states: "Owned 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, i := range test.live {
				live := i.live()
				for _, other := range test.list.Items {
					if other.Key == live.Key {
						other.Duplicate, live.Duplicate = true, true
					}
				}
				test.list.Items = append(test.list.Items, live)
			}
			expected := contract.Expect(test.list, test.desired)
			var states []string
			for _, s := range expected.States {
				states = append(states, fmt.Sprintf("%s %d", s.State, s.Case))
			}
			if got := strings.Join(states, ", "); got != test.states {
				t.Errorf("states %q, want %q", got, test.states)
			}
			if got := expected.After.Ports(); !slices.Equal(got, test.ports) {
				t.Errorf("ports %q, want %q", got, test.ports)
			}
			if got := expected.After.Claim; !slices.Equal(got, test.claim) {
				t.Errorf("claim %q, want %q", got, test.claim)
			}
			if again := contract.Expect(expected.After, test.desired); again.Check(expected.After) != nil {
				t.Errorf("a second reconcile changes something: %v", again.Check(expected.After))
			}
		})
	}
}

func TestExpect_leaves_out_a_field_of_another_manager(t *testing.T) {
	t.Parallel()
	live := item{"adapter-nfs:2049/TCP->1", us, us}.live()
	live.Leaves[oracle.TargetPort] = []string{edit}
	expected := contract.Expect(oracle.List{Service: true, Items: []*oracle.Item{live}}, desire("adapter-nfs:2049/TCP->12049"))
	if got := expected.States[0].Taken; !slices.Equal(got, []string{oracle.TargetPort}) {
		t.Errorf("taken are %q", got)
	}
	if got := expected.After.Claim; !slices.Equal(got, []string{"2049/TCP . name"}) {
		t.Errorf("claim %q", got)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	text, err := yaml.YAMLToJSON([]byte(`
apiVersion: apps/v1
kind: StatefulSet
metadata:
  managedFields:
  - manager: argocd
    operation: Apply
    fieldsV1: {"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{},"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}}}}}}}}
  - manager: portside
    operation: Apply
    fieldsV1: {"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{},"f:ports":{"k:{\"containerPort\":9,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{}}}}}}}}}
spec:
  template:
    spec:
      containers:
      - {name: dittofs, ports: [{name: api, containerPort: 8080, protocol: TCP}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	list, err := contract.Read(u, "dittofs")
	if err != nil {
		t.Fatal(err)
	}
	if got := list.Ports(); !slices.Equal(got, []string{"api:8080/TCP"}) {
		t.Errorf("ports %q", got)
	}
	if got := list.Items[0]; !slices.Equal(got.Owners, []string{argo}) || !slices.Equal(got.Leaves[oracle.Name], []string{argo}) {
		t.Errorf("owners %q, of the name %q", got.Owners, got.Leaves)
	}
	if want := []string{"9/TCP . name"}; !slices.Equal(list.Claim, want) || !list.HoldsContainer {
		t.Errorf("claim %q, want %q; container %t", list.Claim, want, list.HoldsContainer)
	}
	if want := []string{"f:spec f:replicas"}; !slices.Equal(list.Foreign, want) {
		t.Errorf("foreign %q, want %q", list.Foreign, want)
	}
}

func TestPortName(t *testing.T) {
	t.Parallel()
	for adapterType, want := range map[string]string{
		"nfs": "adapter-nfs", "NFS v4": "adapter-nfs-v4", "--": "", "portmapper": "adapter-po-a813", "a-bcdefgh": "adapter-a-65bc",
	} {
		if got := oracle.PortName(adapterType); got != want {
			t.Errorf("%s is %q, want %q", adapterType, got, want)
		}
	}
}
