package printer

import (
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// columnGap is the room between two columns, as kubectl leaves it.
	columnGap = 3
	// narrowGap is what is left of it where a table does not fit otherwise.
	narrowGap = 2
	// enoughRoom is the width in which the last column wraps whatever its words are;
	// a word that is longer has a line of its own.
	enoughRoom = 40
)

// Table is a table of text. On a terminal its last column wraps within itself,
// so the longest text belongs there.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Write prints the table, with a line of column names if headers is true.
func (t Table) Write(s Stream, headers bool) error {
	rows := make([][]string, 0, len(t.Rows)+1)
	if headers {
		rows = append(rows, t.Columns)
	}
	for _, row := range t.Rows {
		clean := make([]string, len(row))
		for i, cell := range row {
			clean[i] = Clean(cell)
		}
		rows = append(rows, clean)
	}
	l := layOut(rows, s.Width)
	var out strings.Builder
	for _, row := range rows {
		last := len(row) - 1
		for i, line := range Wrap(row[last], l.lastWidth) {
			if i == 0 {
				l.writeCells(&out, row[:last])
			} else {
				out.WriteString(strings.Repeat(" ", l.lastAt))
			}
			out.WriteString(strings.TrimRight(line, " "))
			out.WriteByte('\n')
		}
	}
	_, err := io.WriteString(s, out.String())
	return err
}

// layout is where the columns of a table are.
type layout struct {
	widths []int // of all columns but the last
	gap    int
	lastAt int
	// lastWidth is how wide the last column may be, 0 for as wide as it is.
	lastWidth int
}

// layOut fits rows into a width, if there is one. The last column wraps where it
// has enough room, or room for its longest word; else the terminal breaks the lines.
func layOut(rows [][]string, width int) layout {
	if len(rows) == 0 {
		return layout{}
	}
	last := len(rows[0]) - 1
	l := layout{widths: make([]int, last), gap: columnGap}
	longest, longestWord := 0, 0
	for _, row := range rows {
		for i := range l.widths {
			l.widths[i] = max(l.widths[i], utf8.RuneCountInString(row[i]))
		}
		longest = max(longest, utf8.RuneCountInString(row[last]))
		for word := range strings.FieldsSeq(row[last]) {
			longestWord = max(longestWord, utf8.RuneCountInString(word))
		}
	}
	for _, width := range l.widths {
		l.lastAt += width + l.gap
	}
	if width == 0 || l.lastAt+longest <= width {
		return l
	}
	l.lastAt -= last * (l.gap - narrowGap)
	l.gap = narrowGap
	if room := width - l.lastAt; room >= min(longestWord, enoughRoom) {
		l.lastWidth = room
	}
	return l
}

func (l layout) writeCells(out *strings.Builder, cells []string) {
	for i, cell := range cells {
		out.WriteString(cell)
		out.WriteString(strings.Repeat(" ", l.widths[i]-utf8.RuneCountInString(cell)+l.gap))
	}
}
