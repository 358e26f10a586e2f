package printer

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// yamlIndent is how many spaces a level is indented.
const yamlIndent = 2

// YAMLLine is a line of an object as YAML, and the node that it belongs to.
type YAMLLine struct {
	Text string
	Node *ownership.Node
}

// YAMLLines returns the lines of an object, indented as kubectl does. An item of a keyed
// list begins with a line of its own that has its key as a comment and the owners of the
// item; a path that the object does not have is a comment. Without the comments the lines
// are the object.
func YAMLLines(tree *ownership.Tree) ([]YAMLLine, error) {
	w := yamlWriter{}
	w.parts(tree.Root, 0)
	return w.lines, w.err
}

type yamlWriter struct {
	lines []YAMLLine
	err   error
}

// add appends the lines of a text that are about a node.
func (w *yamlWriter) add(n *ownership.Node, indent int, text string) {
	for line := range strings.Lines(text) {
		w.lines = append(w.lines, YAMLLine{strings.TrimRight(strings.Repeat(" ", indent)+line, "\n"), n})
	}
}

// marshal returns a value as YAML.
func (w *yamlWriter) marshal(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil && w.err == nil {
		w.err = err
	}
	return string(text)
}

// parts appends the parts of a node.
func (w *yamlWriter) parts(n *ownership.Node, indent int) {
	for i, c := range n.Children {
		switch {
		case c.Missing:
			w.missing(n, c, indent)
		case c.Item && n.Kind == ownership.KeyedList:
			w.keyedItem(n, i, indent)
		case c.Item:
			w.item(c, indent)
		default:
			w.field(c, indent)
		}
	}
}

// field appends a field of a map.
func (w *yamlWriter) field(n *ownership.Node, indent int) {
	if !hasParts(n) {
		w.add(n, indent, w.marshal(map[string]any{n.Name: n.Value}))
		w.parts(n, indent+yamlIndent) // which the object does not have
		return
	}
	text := strings.TrimSuffix(w.marshal(map[string]any{n.Name: map[string]any{}}), " {}\n")
	if n.Atomic() && !n.Inherited {
		text += " # atomic"
	}
	w.add(n, indent, text)
	if !n.IsList() {
		indent += yamlIndent // a list is not indented below its field
	}
	w.parts(n, indent)
}

// hasParts reports whether the object has parts of the node.
func hasParts(n *ownership.Node) bool {
	for _, c := range n.Children {
		if !c.Missing {
			return true
		}
	}
	return false
}

// keyedItem appends an item of a keyed list.
func (w *yamlWriter) keyedItem(list *ownership.Node, at, indent int) {
	n := list.Children[at]
	text := "- # " + n.Name
	if n.Duplicate {
		count := 0
		for _, c := range list.Children {
			if c.Name == n.Name {
				count++
			}
		}
		text += fmt.Sprintf(", one of %d items with this key", count)
	}
	w.add(n, indent, text)
	w.parts(n, indent+yamlIndent)
}

// item appends an item of any other list. Its first part is on the line of the dash.
func (w *yamlWriter) item(n *ownership.Node, indent int) {
	if !hasParts(n) {
		w.add(n, indent, w.marshal([]any{n.Value}))
		return
	}
	first := len(w.lines)
	w.parts(n, indent+yamlIndent)
	line := &w.lines[first]
	line.Text = strings.Repeat(" ", indent) + "- " + line.Text[indent+yamlIndent:]
}

// missing appends the paths at and below a node that managers own and the object does not
// have.
func (w *yamlWriter) missing(parent, n *ownership.Node, indent int) {
	for below := range n.All() {
		if len(below.Owners) > 0 {
			w.add(below, indent, fmt.Sprintf("# %s is not in the object", strings.TrimPrefix(strings.TrimPrefix(below.Path, parent.Path), ".")))
		}
	}
}
