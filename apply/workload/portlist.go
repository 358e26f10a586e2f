package workload

import (
	"fmt"
	"strconv"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// PortList is a list of ports as it was read: that of a container, or that of a Service,
// which has one.
type PortList struct {
	port.List
	// Container is the name of the container, empty for a Service.
	Container string
	// Items are the ports, in order.
	Items []port.Item

	pointer string           // of the list in the object (RFC 6901)
	read    func(at int) any // the port at an index, as it was read
}

// Lists returns the lists of ports, in order: of the pod template's containers, or of the
// Service.
func (w *Workload) Lists() []PortList {
	if w.Service != nil {
		return []PortList{w.Service.list()}
	}
	lists := make([]PortList, len(w.Containers))
	for i := range w.Containers {
		lists[i] = w.Containers[i].list(i)
	}
	return lists
}

// list returns the list of ports of the container at an index.
func (c *Container) list(at int) PortList {
	list := PortList{List: Ports(c.Name), Container: c.Name, Items: make([]port.Item, len(c.Ports))}
	list.pointer = "/spec/template/spec/containers/" + strconv.Itoa(at) + "/ports"
	list.read = func(at int) any { return c.Ports[at] }
	for i, p := range c.Ports {
		list.Items[i] = list.Item(port.Port{Name: p.Name, Number: p.ContainerPort, Protocol: p.Protocol})
	}
	return list
}

// Claim returns the path at or below which is all that an apply of ports comes to own: the
// container, or the list of a Service.
func (l *PortList) Claim() fieldmanager.Path {
	if l.Container == "" {
		return l.At.Path()
	}
	return templateContainers.Item(fieldmanager.KeyOf("name", l.Container))
}

// Remove returns the operations of a JSON patch that remove the port at an index, provided
// that it is the one that was read.
func (l *PortList) Remove(at int) []fieldmanager.PatchOperation {
	path := fmt.Sprintf("%s/%d", l.pointer, at)
	return []fieldmanager.PatchOperation{{Op: "test", Path: path, Value: l.read(at)}, {Op: "remove", Path: path}}
}
