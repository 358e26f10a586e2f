package printer

import (
	"fmt"
	"strings"
)

// Messages is the stream of errors, warnings and notes, apart from that of
// results. The error of writing to it is ignored.
type Messages struct{ Stream }

// Error prints an error.
func (m Messages) Error(format string, args ...any) {
	m.print("error:", BoldRed, fmt.Sprintf(format, args...))
}

// Warn prints a warning, labelled as kubectl does.
func (m Messages) Warn(format string, args ...any) {
	m.print("Warning:", Yellow, fmt.Sprintf(format, args...))
}

// Note prints a note.
func (m Messages) Note(format string, args ...any) {
	m.print("note:", "", fmt.Sprintf(format, args...))
}

// Progress prints a line about the progress of a command.
func (m Messages) Progress(format string, args ...any) { m.print("", "", fmt.Sprintf(format, args...)) }

// print prints the lines of a text, wrapped. All but the first are indented.
func (m Messages) print(label string, color Color, text string) {
	const indent = "  "
	var lines []string
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		line = Clean(line)
		if i == 0 && label != "" {
			line = label + " " + line
		}
		lines = append(lines, Wrap(line, max(0, m.Width-len(indent)))...)
	}
	if color != "" {
		lines[0] = m.Paint(color, label) + lines[0][len(label):]
	}
	fmt.Fprintln(m, strings.Join(lines, "\n"+indent))
}
