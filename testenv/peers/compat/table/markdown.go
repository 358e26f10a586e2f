package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portside-dev/portside/testenv/peers/compat"
)

// columns are the headings of the table with the cells of a row. The first two
// identify the row.
var columns = []struct {
	heading string
	cell    func(compat.Row) string
}{
	{"tool", func(r compat.Row) string { return r.Tool }},
	{"mode", func(r compat.Row) string { return r.Mode }},
	{"in sync while adapter ports exist", func(r compat.Row) string { return r.Answers.InSync }},
	{"a sync changes adapter ports", func(r compat.Row) string { return r.Answers.SyncChangesPorts }},
	{"a sync restarts pods", func(r compat.Row) string { return r.Answers.SyncRestartsPods }},
	{"what the owner can change", func(r compat.Row) string { return r.Answers.OwnerCanChange }},
	{"an adapter port that Git declares too", func(r compat.Row) string { return r.Answers.GitDeclaresPort }},
	{"an adapter port removed by hand", func(r compat.Row) string { return r.Answers.RemovedByHand }},
	{"replacing the workload", func(r compat.Row) string { return r.Answers.Replace }},
	{"what to set or do", func(r compat.Row) string { return r.Set }},
}

// markdown returns the table with its footnotes.
func markdown(rows []compat.Row) string {
	var table strings.Builder
	var headings, rules []string
	for _, c := range columns {
		headings, rules = append(headings, c.heading), append(rules, "---")
	}
	line(&table, headings)
	line(&table, rules)
	var notes footnotes
	for _, row := range rows {
		cells := []string{escape(row.Tool), escape(row.Mode)}
		for _, c := range columns[2:] {
			cells = append(cells, notes.move(c.cell(row)))
		}
		line(&table, cells)
	}
	for i, note := range notes {
		fmt.Fprintf(&table, "\n[^%d]: %s\n", i+1, note)
	}
	return table.String()
}

func line(to *strings.Builder, cells []string) {
	to.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// footnotes are the texts in parentheses, each once.
type footnotes []string

// move returns the text with a mark in place of each outermost parenthesis.
func (f *footnotes) move(text string) string {
	var cell strings.Builder
	for {
		before, rest, found := strings.Cut(text, " (")
		cell.WriteString(escape(before))
		if !found {
			return cell.String()
		}
		inside := closing(rest)
		cell.WriteString(f.mark(rest[:inside]))
		text = rest[min(inside+1, len(rest)):]
	}
}

// closing returns the index of the parenthesis that closes the one before the text.
func closing(text string) int {
	for i, depth := 0, 1; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(text)
}

func (f *footnotes) mark(note string) string {
	note = escape(strings.ToUpper(note[:1]) + note[1:] + ".")
	i := slices.Index(*f, note)
	if i < 0 {
		i = len(*f)
		*f = append(*f, note)
	}
	return fmt.Sprintf("[^%d]", i+1)
}

// escape escapes the characters that have a meaning in Markdown.
func escape(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", `\<`, "[", `\[`).Replace(text)
}
