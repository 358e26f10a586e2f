package page

import (
	"fmt"
	"strings"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// portTable is the table of the ports of one container, or of a Service.
type portTable struct {
	Title string
	// Service is true for the ports of a Service.
	Service bool
	Rows    []portRow
}

// portRow is a port with the managers that own it.
type portRow struct {
	Name, Number string
	// More are the port's other numbers, such as its targetPort.
	More []fact
	// Owners keep the port in the list. Fields are the managers that own only fields
	// of it.
	Owners []mark
	Fields []fieldOwner
	// Warning is what is wrong with the port's owners.
	Warning string
}

// fieldOwner is a manager that owns fields of a port, and not the port.
type fieldOwner struct {
	Mark   mark
	Fields string
}

// portTables returns the tables of the ports of a workload's containers, or of a Service;
// none for another kind.
func portTables(t *ownership.Tree, ms marks) []portTable {
	if t.Kind == "Service" && t.APIVersion == "v1" {
		return []portTable{tableOf("", at(t.Root, "spec", "ports"), ms)}
	}
	var tables []portTable
	template := at(t.Root, "spec", "template", "spec")
	for _, list := range []string{"initContainers", "containers"} {
		containers := at(template, list)
		if containers == nil {
			continue
		}
		for _, c := range containers.Children {
			if ports := at(c, "ports"); ports != nil {
				tables = append(tables, tableOf(textAt(c, "name"), ports, ms))
			}
		}
	}
	return tables
}

func tableOf(container string, ports *ownership.Node, ms marks) portTable {
	t := portTable{Title: "Container " + container, Service: container == ""}
	number := "containerPort"
	if t.Service {
		t.Title, number = "Ports of the Service", "port"
	}
	if ports == nil {
		return t
	}
	for _, p := range ports.Children {
		protocol := textAt(p, "protocol")
		if protocol == "" {
			protocol = "TCP" // the default, in objects that no API server filled in
		}
		row := portRow{Name: textAt(p, "name"), Number: textAt(p, number) + "/" + protocol, Owners: ms.of(p.Owners)}
		for _, other := range []struct{ field, title string }{
			{"targetPort", "target port"}, {"nodePort", "node port"}, {"hostPort", "host port"}, {"hostIP", "host IP"},
		} {
			if value := textAt(p, other.field); value != "" {
				row.More = append(row.More, fact{other.title, value})
			}
		}
		for _, m := range p.Partial {
			row.Fields = append(row.Fields, fieldOwner{ms[m], clean(strings.Join(p.FieldsOf(m), ", "))})
		}
		switch {
		case p.Missing:
			row.Name, row.Number = cut(clean(p.Name)), ""
			row.Warning = "owned, but not in the object"
		case p.Duplicate:
			row.Warning = "several ports have this number and protocol"
		case p.Unowned():
			row.Warning = "no owner: the next manager that applies its list may remove it"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// at returns the node at a path of fields, nil if there is none.
func at(n *ownership.Node, path ...string) *ownership.Node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		n = n.Child(name)
	}
	return n
}

// textAt returns the value at a path as text, empty if there is none.
func textAt(n *ownership.Node, path ...string) string {
	found := at(n, path...)
	if found == nil || found.Value == nil {
		return ""
	}
	return cut(clean(fmt.Sprint(found.Value)))
}
