package page

import (
	"strings"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// line is a line of the annotated YAML.
type line struct {
	// Spaces is the indent, and Indent its length. The template has both, so that a copy
	// of the page is YAML and wrapped text is indented.
	Spaces string
	Indent int
	// Text is the field or the item, and Comment what YAML ignores.
	Text, Comment string
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

// linesOf returns the lines of an object. Its error is a value that YAML cannot have.
func linesOf(t *ownership.Tree, ms marks) ([]line, error) {
	written, err := printer.YAMLLines(shown(t))
	if err != nil {
		return nil, err
	}
	var lines []line
	previous := ""
	for _, w := range written {
		l := lineOf(w, ms)
		if l.Owners == previous {
			l.Owners = ""
		} else {
			previous = l.Owners
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func lineOf(w printer.YAMLLine, ms marks) line {
	n := w.Node
	content := strings.TrimLeft(w.Text, " ")
	l := line{Indent: len(w.Text) - len(content), Text: cleanTabbed(content), Marks: ms.of(n.Owners)}
	l.Spaces = w.Text[:l.Indent]
	switch {
	case n.Missing && strings.HasPrefix(content, "#"):
		l.Text, l.Comment = "", cut(l.Text)
	case n.Item && strings.HasPrefix(content, "- # "):
		l.Text, l.Comment = "- ", l.Text[2:]
	}
	var names []string
	for _, m := range l.Marks {
		names = append(names, m.Full)
	}
	l.Owners = strings.Join(names, ", ")
	l.Warning = n.Missing || n.Duplicate
	switch {
	case len(l.Marks) == 1:
		l.Class = l.Marks[0].Color
	case n.Unowned():
		l.Class = "unowned"
		if len(n.Key.Fields()) > 0 {
			l.Owners, l.Warning = "no owner", true
		}
	}
	return l
}
