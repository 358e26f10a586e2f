package ownership

import (
	"fmt"
	"slices"
	"strings"
)

// ListPath is the path of a list that a user gave, such as
// spec.template.spec.containers[server].env.
type ListPath struct {
	text     string
	elements []element
}

// element is the name of a field or, for an item of a list, the terms of its key.
type element struct {
	field string
	terms []term
}

// term is FIELD=VALUE or, for any key field, VALUE.
type term struct{ field, value string }

// ParseListPath reads names of fields separated by dots, and in brackets the key of an
// item: [server] or [name=server], or [8080,TCP] for a list of two key fields. A name or a
// value with special characters is quoted. The path may begin with a dot, as the API server
// prints paths.
func ParseListPath(text string) (ListPath, error) {
	p := ListPath{text: text}
	fail := func(format string, args ...any) (ListPath, error) {
		return ListPath{}, fmt.Errorf("cannot read the path %q: %s; give one such as status.conditions or spec.template.spec.containers[server].env", text, fmt.Sprintf(format, args...))
	}
	rest := strings.TrimPrefix(text, ".")
	for first := true; rest != "" || first; first = false {
		if rest != "" && rest[0] == '[' && !first {
			inside, after, closed := cutQuoted(rest[1:], ']')
			if !closed {
				return fail("a bracket is not closed")
			}
			terms, err := termsOf(inside)
			if err != nil {
				return fail("%v", err)
			}
			p.elements, rest = append(p.elements, element{terms: terms}), after
			continue
		}
		if !first {
			if rest[0] != '.' {
				return fail("%q follows a bracket", rest)
			}
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return fail("the name of a field is missing")
		}
		p.elements, rest = append(p.elements, element{field: rest[:end]}), rest[end:]
	}
	return p, nil
}

// cutQuoted cuts text at the first separator outside double quotes.
func cutQuoted(text string, separator byte) (before, after string, found bool) {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '"' && (i == 0 || text[i-1] != '\\'):
			quoted = !quoted
		case text[i] == separator && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// termsOf reads the key of an item.
func termsOf(text string) ([]term, error) {
	var terms []term
	for more := true; more; {
		var one string
		one, text, more = cutQuoted(text, ',')
		field, value, named := cutQuoted(one, '=')
		if !named {
			field, value = "", field
		}
		if value = strings.Trim(value, `"`); value == "" {
			return nil, fmt.Errorf("a key in brackets is empty")
		}
		terms = append(terms, term{field, value})
	}
	return terms, nil
}

// String returns the path as it was given.
func (p ListPath) String() string { return p.text }

// NoListError is a path at which an object has no keyed list.
type NoListError struct {
	// Text says what is there instead.
	Text string
	// Lists are the paths of the keyed lists of the object, as [ParseListPath] reads them.
	Lists []string
	// Absent is true where the object does not have the path, rather than something else
	// than a keyed list there.
	Absent bool
}

// Error returns what is at the path and which lists there are.
func (e *NoListError) Error() string {
	if len(e.Lists) == 0 {
		return e.Text + "; managedFields name no item of a keyed list of this object"
	}
	return e.Text + "; its keyed lists are " + strings.Join(e.Lists, ", ")
}

// Find returns the keyed list at a path, or a [List] whose items are maps: it may be keyed,
// and no manager owns an item of it. Its error is a [NoListError].
func (t *Tree) Find(p ListPath) (*Node, error) {
	at := t.Root
	for _, e := range p.elements {
		next, problem := at.descend(e)
		if problem != "" {
			return nil, &NoListError{Text: problem, Lists: t.KeyedLists(), Absent: true}
		}
		at = next
	}
	if at.Kind != KeyedList && !at.mayBeKeyed() {
		return nil, &NoListError{Text: fmt.Sprintf("%s is %s, and no keyed list", userPath(at.Path), at.describe()), Lists: t.KeyedLists()}
	}
	return at, nil
}

// mayBeKeyed reports whether the node is a list of maps of whose owners nothing is known.
func (n *Node) mayBeKeyed() bool {
	return n.Kind == List && len(n.Children) > 0 && !slices.ContainsFunc(n.Children, func(item *Node) bool { return item.Kind != Map })
}

// descend returns the child that an element of a path means, or else a text that says why
// there is none.
func (n *Node) descend(e element) (next *Node, problem string) {
	name := userPath(n.Path)
	if e.terms == nil {
		if next = n.Child(e.field); next != nil && !next.Item {
			return next, ""
		}
		switch {
		case n.Kind == KeyedList && len(n.Children) > 0:
			return nil, fmt.Sprintf("%s is a keyed list: name one of its items, such as %s", name, userPath(n.Children[0].Path))
		case n.Path == "":
			return nil, fmt.Sprintf("the object has no field %s", e.field)
		}
		return nil, fmt.Sprintf("%s has no field %s", name, e.field)
	}
	if n.Kind != KeyedList {
		return nil, fmt.Sprintf("%s is %s, whose items have no key", name, n.describe())
	}
	var matches []*Node
	for _, item := range n.Children {
		if item.matches(e.terms) && !slices.ContainsFunc(matches, func(m *Node) bool { return m.Path == item.Path }) {
			matches = append(matches, item)
		}
	}
	switch len(matches) {
	case 0:
		return nil, fmt.Sprintf("%s has no item %s; it has %s", name, keyText(e.terms), strings.Join(namesOf(n.Children), " "))
	case 1:
		return matches[0], ""
	}
	return nil, fmt.Sprintf("%s has several items %s: %s", name, keyText(e.terms), strings.Join(namesOf(matches), " "))
}

// matches reports whether each term is a key field of the item.
func (n *Node) matches(terms []term) bool {
	fields := n.Key.Fields()
	for _, t := range terms {
		if !slices.ContainsFunc(fields, func(field string) bool {
			return (t.field == "" || t.field == field) && fmt.Sprint(n.Key.Value(field)) == t.value
		}) {
			return false
		}
	}
	return true
}

func keyText(terms []term) string {
	var texts []string
	for _, t := range terms {
		if t.field == "" {
			texts = append(texts, t.value)
		} else {
			texts = append(texts, t.field+"="+t.value)
		}
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// namesOf returns the names of nodes, each once.
func namesOf(nodes []*Node) []string {
	var names []string
	for _, n := range nodes {
		if !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	return names
}

// describe returns what a node is, for a message.
func (n *Node) describe() string {
	switch n.Kind {
	case Scalar:
		switch n.Value.(type) {
		case string:
			return "a string"
		case bool:
			return "a bool"
		case nil:
			return "null"
		}
		return "a number"
	case Map:
		return "a map"
	case AtomicMap:
		return "an atomic map"
	case KeyedList:
		return "a keyed list"
	case Set:
		return "a set of values"
	case AtomicList:
		return "an atomic list"
	}
	return "a list of which no manager owns an item"
}

// KeyedLists returns the paths of the keyed lists that the object has, as a user gives
// them.
func (t *Tree) KeyedLists() []string {
	var paths []string
	for n := range t.Root.All() {
		if path := userPath(n.Path); n.Kind == KeyedList && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// userPath returns a path as a user gives it, without the dot at its beginning.
func userPath(path string) string { return strings.TrimPrefix(path, ".") }
