package page

import (
	"fmt"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/fieldmanager"
)

// title names the object, or says how many there are.
func (p Page) title() string {
	if len(p.Objects) == 1 {
		o := p.Objects[0]
		return "Owners of " + cut(clean(join(" ", o.Kind, o.fullName())))
	}
	return "Owners of " + count(len(p.Objects), "object")
}

// fullName returns "namespace/name", or the name alone of a cluster-scoped object.
func (o Object) fullName() string { return join("/", o.Namespace, o.Name) }

func (p Page) object(i int, o Object, ms marks) (objectView, error) {
	lines, err := linesOf(o.Tree, ms)
	if err != nil {
		return objectView{}, fmt.Errorf("%s %s: %w", o.Kind, o.fullName(), err)
	}
	v := objectView{
		ID:       fmt.Sprintf("object-%d", i+1),
		Kind:     cut(clean(o.Kind)),
		Name:     cut(clean(o.fullName())),
		Ports:    portTables(o.Tree, ms),
		Timeline: p.timeline(o, ms),
		Lines:    lines,
	}
	for _, f := range []fact{
		{"API version", cut(clean(o.APIVersion))},
		{"Generation", textAt(o.Root, "metadata", "generation")},
		{"Resource version", textAt(o.Root, "metadata", "resourceVersion")},
		{"UID", textAt(o.Root, "metadata", "uid")},
		{"Read from", clean(o.Source)},
	} {
		if f.Value != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	owned := fieldsOf(o.Root)
	for _, w := range o.Managers {
		m := managerView{Mark: ms[w.Manager], Operation: operation(w.Manager), Fields: owned[w.Manager]}
		if w.LastWrite != nil {
			at := p.moment(w.LastWrite.Time)
			m.LastWrite = &at
		}
		v.Managers = append(v.Managers, m)
	}
	return v, nil
}

// operation returns how a manager writes: "Apply", or "Update of status".
func operation(m fieldmanager.Manager) string {
	if m.Subresource == "" {
		return string(m.Operation)
	}
	return cut(clean(fmt.Sprintf("%s of %s", m.Operation, m.Subresource)))
}

// fieldsOf counts the fields and items that each manager owns in the object. What is
// atomic counts once.
func fieldsOf(root *ownership.Node) map[fieldmanager.Manager]int {
	owned := map[fieldmanager.Manager]int{}
	for n := range root.All() {
		if n.Inherited || n.Missing {
			continue
		}
		for _, m := range n.Owners {
			owned[m]++
		}
	}
	return owned
}
