package output

import (
	"fmt"
	"strings"
)

// Messages is the stream for what is said beside a result: errors, warnings
// and notes. Writing them may fail without anybody to tell.
type Messages struct{ Stream }

// Error says what went wrong.
func (m Messages) Error(format string, args ...any) {
	m.say("error:", BoldRed, fmt.Sprintf(format, args...))
}

// Warn says what is odd, as kubectl says it.
func (m Messages) Warn(format string, args ...any) {
	m.say("Warning:", Yellow, fmt.Sprintf(format, args...))
}

// Note says what is good to know.
func (m Messages) Note(format string, args ...any) {
	m.say("note:", "", fmt.Sprintf(format, args...))
}

// Progress says how far it has come.
func (m Messages) Progress(format string, args ...any) { m.say("", "", fmt.Sprintf(format, args...)) }

// say prints each line of the text, wrapped, with what follows the first
// indented.
func (m Messages) say(label string, color Color, text string) {
	const indent = "  "
	var out strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		line = Clean(line)
		if i == 0 {
			line = strings.TrimPrefix(label+" "+line, " ")
		}
		for j, part := range Wrap(line, max(0, m.Width-len(indent))) {
			if i > 0 || j > 0 {
				part = indent + part
			}
			out.WriteString(part + "\n")
		}
	}
	said := out.String()
	if color != "" && strings.HasPrefix(said, label) {
		said = m.Paint(color, label) + said[len(label):]
	}
	fmt.Fprint(m, said)
}
