package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Key identifies an item of a list of ports to the API server.
type Key struct {
	Number   int64
	Protocol string
}

// String returns the key as 2049/TCP.
func (k Key) String() string { return fmt.Sprintf("%d/%s", k.Number, k.Protocol) }

// The leaves of an item, as the API names them. A container's port has only a name besides
// its key and what the oracle does not model (hostPort, hostIP).
const (
	Name        = "name"
	TargetPort  = "targetPort"
	NodePort    = "nodePort"
	AppProtocol = "appProtocol"
)

// Item is a live port.
type Item struct {
	Key
	// Name is empty for a port without a name.
	Name string
	// Fields are the values of targetPort, nodePort and appProtocol of a Service's port, as
	// text. It has those alone that are set.
	Fields map[string]string
	// Owners are the managers that own the item itself, as manager/Apply or manager/Update.
	Owners []string
	// Leaves are the managers that own each live leaf.
	Leaves map[string][]string
	// Duplicate reports that two items have this key.
	Duplicate bool
}

// List is a list of ports as it is stored, with its owners.
type List struct {
	// Service reports that the list is that of a Service. Otherwise it is a container's.
	Service bool
	// NeedsPort reports that the server does not take the list without a port.
	NeedsPort bool
	// NotAllowed reports that no port of ours may be declared, because of hostNetwork.
	NotAllowed bool
	// Paused reports that the object is not to be written.
	Paused bool
	// Unmanaged reports that the object has no managedFields at all.
	Unmanaged bool
	// Owners own the list itself, but for our manager.
	Owners []string
	// Foreign are the fields in our entry that are not of our ports.
	Foreign []string
	// Claim is what our entry holds of the list, live or not, a line an item: the key and
	// its leaves. Where it has an item, it has the container's key as well.
	Claim []string
	// HoldsContainer reports that our entry has the key of the container.
	HoldsContainer bool
	Items          []*Item

	carried map[string]string // nodePorts by name, before a write
}

// clone returns a copy whose items can be changed.
func (l List) clone() List {
	items := make([]*Item, len(l.Items))
	for i, item := range l.Items {
		c := *item
		c.Fields, c.Leaves = maps.Clone(item.Fields), maps.Clone(item.Leaves)
		items[i] = &c
	}
	l.Items = items
	return l
}

// At returns the first item with the key, nil where there is none.
func (l List) At(k Key) *Item { return l.find(func(i *Item) bool { return i.Key == k }) }

// named returns the last item with the name, nil where there is none.
func (l List) named(name string) (found *Item) {
	for _, i := range l.Items {
		if name != "" && i.Name == name {
			found = l.At(i.Key)
		}
	}
	return found
}

func (l List) find(is func(*Item) bool) *Item {
	if i := slices.IndexFunc(l.Items, is); i >= 0 {
		return l.Items[i]
	}
	return nil
}

// String returns the port as name:number/PROTOCOL, with ->targetPort for a Service's.
func (i *Item) String() string {
	text := i.Name + ":" + i.Key.String()
	if target, has := i.Fields[TargetPort]; has {
		text += "->" + target
	}
	return text
}

// Ports returns the ports in their order, as text.
func (l List) Ports() []string {
	ports := make([]string, len(l.Items))
	for i, item := range l.Items {
		ports[i] = item.String()
	}
	return ports
}

// others returns managers without one.
func others(managers []string, us string) []string {
	return slices.DeleteFunc(slices.Clone(managers), func(m string) bool { return m == us })
}

// with returns managers with one more, sorted.
func with(managers []string, m string) []string {
	all := append(others(managers, m), m)
	slices.Sort(all)
	return all
}

// isAdapterName reports whether a name is that of an adapter port.
func isAdapterName(name string) bool { return strings.HasPrefix(name, "adapter-") }
