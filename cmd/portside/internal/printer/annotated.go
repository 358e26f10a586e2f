package printer

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/fieldmanager"
)

// managerColors are the colours of managers, in their order. More managers than colours
// share them: the name is in the left column as well.
var managerColors = []Color{
	"\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[32m", "\x1b[34m", "\x1b[31m",
	"\x1b[96m", "\x1b[93m", "\x1b[95m", "\x1b[92m", "\x1b[94m", "\x1b[91m",
}

const (
	// ownersShare is the largest share of a terminal's width for the owners, as a
	// divisor and a dividend.
	ownersDividend, ownersDivisor = 2, 5
	// leastText is the least room for the text of a line that is continued.
	leastText = 10
)

// Annotate writes the object as YAML, each line next to the managers that own it. On a
// terminal each manager has a colour, and lines are broken so that nothing is lost.
func (f *Fields) Annotate(s Stream) error {
	a := annotation{stream: s, labels: labelsOf(f.tree.Managers)}
	title := f.Target.Kind + " " + f.Target.Name
	if f.Target.Namespace != "" {
		title = f.Target.Kind + " " + f.Target.Namespace + "/" + f.Target.Name
	}
	fmt.Fprintf(&a.out, "# %s\n", Clean(title))
	if err := a.legend(f.tree); err != nil {
		return err
	}
	lines, err := YAMLLines(f.tree)
	if err != nil {
		return err
	}
	a.write(lines)
	_, err = io.WriteString(s, a.out.String())
	return err
}

// label is how a manager is written in the left column.
type label struct {
	text  string
	color Color
}

// labelsOf returns the labels of managers: the name, and what tells managers of one name
// apart.
func labelsOf(managers []ownership.Writer) map[fieldmanager.Manager]label {
	names, labels := map[string]int{}, map[fieldmanager.Manager]label{}
	for _, m := range managers {
		names[m.Name]++
	}
	for i, m := range managers {
		text := m.Name
		if names[m.Name] > 1 {
			text = m.String()
		}
		labels[m.Manager] = label{Clean(text), managerColors[i%len(managerColors)]}
	}
	return labels
}

type annotation struct {
	stream Stream
	labels map[fieldmanager.Manager]label
	out    strings.Builder
}

// legend writes how and when each manager wrote.
func (a *annotation) legend(tree *ownership.Tree) error {
	var text strings.Builder
	t, now := Table{Columns: []string{"MANAGER", "LAST WRITE", "OPERATION"}}, time.Now()
	for _, w := range tree.Managers {
		how := operation(w.Manager)
		if len(w.APIVersions) > 1 || len(w.APIVersions) == 1 && w.APIVersions[0] != tree.APIVersion {
			how += " in " + strings.Join(w.APIVersions, ", ")
		}
		t.Rows = append(t.Rows, []string{a.labels[w.Manager].text, age(w.LastWrite, now), how})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if err := t.Write(Stream{Writer: &text, Width: max(0, a.stream.Width-len("# "))}, true); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		line = strings.TrimRight(line, "\n")
		for _, l := range a.labels {
			if rest, is := strings.CutPrefix(line, l.text+" "); is {
				line = a.stream.Paint(l.color, l.text) + " " + rest
				break
			}
		}
		fmt.Fprintf(&a.out, "# %s\n", line)
	}
	return nil
}

// write writes the lines next to their owners.
func (a *annotation) write(lines []YAMLLine) {
	width := 0
	for _, line := range lines {
		width = max(width, utf8.RuneCountInString(joined(a.cell(line))))
	}
	if most := a.stream.Width * ownersDividend / ownersDivisor; most > 0 {
		width = min(width, max(most, leastText))
	}
	for _, line := range lines {
		cell := a.cell(line)
		left, right := wrapOwners(cell, width), a.wrapText(line, width)
		for i := range max(len(left), len(right)) {
			var owners []label
			if i < len(left) {
				owners = left[i]
			}
			var written strings.Builder
			for _, l := range owners {
				written.WriteString(a.stream.Paint(l.color, l.text))
			}
			text := ""
			if i < len(right) {
				color := Color("")
				if len(line.Node.Owners) == 1 {
					color = a.labels[line.Node.Owners[0]].color
				}
				text = a.stream.Paint(color, right[i])
			}
			gap := strings.Repeat(" ", width-utf8.RuneCountInString(joined(owners))+columnGap)
			a.out.WriteString(strings.TrimRight(written.String()+gap+text, " ") + "\n")
		}
	}
}

// cell returns the owners of a line as labels, with commas between them.
func (a *annotation) cell(line YAMLLine) []label {
	if line.Node.Unowned() {
		return []label{{text: none}}
	}
	var cell []label
	for i, m := range line.Node.Owners {
		l := a.labels[m]
		cell = append(cell, l)
		if i < len(line.Node.Owners)-1 {
			cell = append(cell, label{text: ", "})
		}
	}
	return cell
}

func joined(cell []label) string {
	var text strings.Builder
	for _, l := range cell {
		text.WriteString(l.text)
	}
	return text.String()
}

// wrapOwners breaks a cell that is wider than the column: one owner a line, and an owner
// that is wider still at the width.
func wrapOwners(cell []label, width int) [][]label {
	if utf8.RuneCountInString(joined(cell)) <= width {
		return [][]label{cell}
	}
	var lines [][]label
	for i, l := range cell {
		if i%2 == 1 {
			continue // a comma, which is written after the owner before it
		}
		if i < len(cell)-1 {
			l.text += ","
		}
		for _, piece := range chop(l.text, width, width) {
			lines = append(lines, []label{{piece, l.color}})
		}
	}
	return lines
}

// wrapText breaks the text of a line at the width of the terminal. What is continued is
// indented further than the line.
func (a *annotation) wrapText(line YAMLLine, owners int) []string {
	text := Clean(line.Text)
	room := a.stream.Width - owners - columnGap
	if a.stream.Width == 0 || utf8.RuneCountInString(text) <= room {
		return []string{text}
	}
	indent := len(text) - len(strings.TrimLeft(text, " ")) + 2*yamlIndent
	if room-indent < leastText {
		indent = 0
	}
	pieces := chop(text, max(room, leastText), max(room-indent, leastText))
	for i := range pieces[1:] {
		pieces[i+1] = strings.Repeat(" ", indent) + pieces[i+1]
	}
	return pieces
}

// chop breaks text into a first piece and further ones of so many characters.
func chop(text string, first, further int) []string {
	runes, room := []rune(text), first
	var pieces []string
	for len(runes) > room {
		pieces, runes, room = append(pieces, string(runes[:room])), runes[room:], further
	}
	return append(pieces, string(runes))
}
