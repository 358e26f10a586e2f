package page

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// line is a line of the annotated YAML.
type line struct {
	// Indent is the number of spaces before the text. The template has them both as
	// spaces, so that a copy of the page is YAML, and as the indent of wrapped text.
	Indent int
	// Dash begins the first line of an item; Key is the field with its colon, and Value
	// the rest.
	Dash, Key, Value string
	// Note is a comment on the line: its identity, or what was left out.
	Note string
	// Marks are those of the owners.
	Marks []mark
	// Owners are the names of the owners, or what is wrong with them. It is empty where the
	// line before has the same.
	Owners string
	// Class is that of the only owner's colour, or says that there is no owner.
	Class string
	// Warning is true where the owners need the reader's attention.
	Warning bool
}

// Spaces returns the indent as text.
func (l line) Spaces() string { return strings.Repeat(" ", l.Indent) }

// yamlWriter writes the lines of an object.
type yamlWriter struct {
	marks marks
	hides func(*ownership.Node) bool
	lines []line
}

func linesOf(t *ownership.Tree, ms marks) []line {
	w := &yamlWriter{marks: ms, hides: secretValues(t)}
	for _, field := range t.Root.Children {
		w.field(field, 0, "")
	}
	previous := ""
	for i := range w.lines {
		l := &w.lines[i]
		if l.Owners == previous {
			l.Owners = ""
			continue
		}
		previous = l.Owners
	}
	return w.lines
}

// add adds a line about a node.
func (w *yamlWriter) add(n *ownership.Node, l line) {
	l.Marks = w.marks.of(n.Owners)
	var names []string
	for _, m := range l.Marks {
		names = append(names, m.Full)
	}
	l.Owners = strings.Join(names, ", ")
	switch {
	case len(l.Marks) == 1:
		l.Class = l.Marks[0].Color
	case n.Unowned():
		l.Class = "unowned"
	}
	switch {
	case n.Missing:
		l.Owners, l.Warning = join(": ", "not in the object", l.Owners), true
	case n.Unowned() && n.Item:
		l.Owners, l.Warning = "no owner", true
	}
	if n.Duplicate {
		l.Owners, l.Warning = join("; ", l.Owners, "several items have this key"), true
	}
	w.lines = append(w.lines, l)
}

// field adds a field, whose first line begins with a dash where it is the first of an item.
func (w *yamlWriter) field(n *ownership.Node, indent int, dash string) {
	l := line{Indent: indent, Dash: dash, Key: scalar(cut(n.Name)) + ":"}
	w.value(n, l, indent+len(dash))
}

// value adds a node. What is below it is indented from its key.
func (w *yamlWriter) value(n *ownership.Node, l line, indent int) {
	if w.hides(n) {
		l.Note = size(bytesOf(n)) + ", not shown"
		w.add(n, l)
		return
	}
	if len(n.Children) == 0 {
		w.leaf(n, l, indent)
		return
	}
	if n.Atomic() && !n.Inherited {
		l.Note = "owned as a whole"
	}
	w.add(n, l)
	for _, child := range n.Children {
		switch {
		case child.Item:
			w.item(child, indent)
		case l.Key == "": // the fields of an item
			w.field(child, indent, "")
		default:
			w.field(child, indent+2, "")
		}
	}
}

// item adds an item of a list. That of a keyed list begins with a line of its own, which
// has the owners of the item.
func (w *yamlWriter) item(n *ownership.Node, indent int) {
	l := line{Indent: indent, Dash: "- "}
	if len(n.Children) == 0 || n.IsList() {
		w.value(n, l, indent+2)
		return
	}
	if fields := n.Key.Fields(); len(fields) > 0 {
		var key []string
		for _, name := range fields {
			key = append(key, fmt.Sprintf("%s=%v", name, n.Key.Value(name)))
		}
		l.Dash, l.Note = "-", cut(clean(strings.Join(key, ", ")))
		w.value(n, l, indent+2)
		return
	}
	for i, field := range n.Children {
		if i == 0 {
			w.field(field, indent, "- ")
		} else {
			w.field(field, indent+2, "")
		}
	}
}

// leaf adds a node without parts, in several lines where it is a text of several lines.
func (w *yamlWriter) leaf(n *ownership.Node, l line, indent int) {
	text, isText := n.Value.(string)
	switch {
	case n.Missing:
		l.Value = ""
	case n.Kind == ownership.Map || n.Kind == ownership.AtomicMap:
		l.Value = "{}"
	case n.IsList():
		l.Value = "[]"
	case isText && strings.Contains(strings.TrimRight(text, "\n"), "\n"):
		w.block(n, l, text, indent+2)
		return
	case isText:
		l.Value = scalar(cut(text))
		l.Note = truncated(text)
	default:
		l.Value = scalar(n.Value)
	}
	w.add(n, l)
}

// block adds a text of several lines.
func (w *yamlWriter) block(n *ownership.Node, l line, text string, indent int) {
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	l.Value = "|"
	if strings.HasPrefix(text, " ") || all[0] == "" {
		l.Value += "2" // YAML takes the indent from the first line otherwise
	}
	switch {
	case !strings.HasSuffix(text, "\n"):
		l.Value += "-"
	case all[len(all)-1] == "":
		l.Value += "+"
	}
	if len(all) > mostLines {
		l.Note = fmt.Sprintf("truncated: %d lines, %s", len(all), size(len(text)))
		all = all[:mostLines]
	}
	w.add(n, l)
	for _, one := range all {
		w.add(n, line{Indent: indent, Value: cleanTabbed(cut(one)), Note: truncated(one)})
	}
}

// truncated returns a note on a text that cut shortens.
func truncated(text string) string {
	if cut(text) == text {
		return ""
	}
	return "truncated: " + size(len(text))
}

// scalar returns a string, number, bool or null as YAML. A value that cannot be written,
// such as NaN, is written as Go prints it.
func scalar(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return clean(fmt.Sprint(value))
	}
	one := strings.TrimSuffix(string(text), "\n")
	if strings.Contains(one, "\n") { // only a text
		one = fmt.Sprintf("%q", value)
	}
	return clean(one)
}
