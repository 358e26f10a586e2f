package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// width is what the story fits in: the narrowest terminal that is usual.
const width = 80

const (
	bold  = "1"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// printer writes lines, in colour where somebody looks at them.
type printer struct {
	w      io.Writer
	colour bool
	// size is that of the terminal; nil where there is none that can be drawn on.
	size func() (columns, lines int, err error)
	err  error // the first failed write: nobody reads the rest
}

func newPrinter(w io.Writer) *printer {
	p := &printer{w: w}
	if file, isFile := w.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		p.colour = wantsColour()
		if os.Getenv("TERM") != "dumb" {
			p.size = func() (int, int, error) { return term.GetSize(int(file.Fd())) }
		}
	}
	return p
}

// wantsColour follows https://no-color.org.
func wantsColour() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

func (p *printer) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) in(colour, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// rule begins a part of the story. What comes next leaves a line free.
func (p *printer) rule(title string) {
	text := "── " + title + " "
	p.linef("")
	p.linef("%s", p.in(bold+";"+cyan, text+strings.Repeat("─", max(0, width-utf8.RuneCountInString(text)))))
}

// block prints text line by line, two columns in and without blank ends.
func (p *printer) block(text string) {
	p.linef("")
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		p.linef("%s", strings.TrimRight("  "+line, " \n"))
	}
}

// table prints what portside printed.
func (p *printer) table(text string) {
	for line := range strings.Lines(text) {
		p.shown(strings.TrimRight(line, " \n"))
	}
}

// shown prints a line of a command or of what it printed, and brings out what
// is typed, and what is portside's own.
func (p *printer) shown(line string) {
	line = strings.TrimRight("  "+line, " ")
	if columns, ok := p.canvas(); ok && utf8.RuneCountInString(line) > columns {
		line = string([]rune(line)[:columns]) // a line that wraps is two, and up would not know
	}
	switch {
	case strings.HasPrefix(line, "  $ "):
		line = "  " + p.in(bold, line[2:])
	case strings.HasSuffix(line, " "+us):
		line = p.in(green, line)
	}
	p.linef("%s", line)
}

// command shows what is run, as it would be typed.
func (p *printer) command(args []string) {
	p.linef("")
	p.shown("$ " + strings.Join(args, " "))
}

// wrapped prints a text in lines that fit.
func (p *printer) wrapped(text string) {
	line := " "
	for word := range strings.FieldsSeq(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width && line != " " {
			p.linef("%s", line)
			line = " "
		}
		line += " " + word
	}
	p.linef("%s", line)
}

// minLines is the least height of a terminal that is drawn on in place.
const minLines = 24

// canvas is the width of the terminal, if what was printed can be drawn over.
func (p *printer) canvas() (columns int, ok bool) {
	if p.size == nil {
		return 0, false
	}
	columns, lines, err := p.size()
	return columns, err == nil && lines >= minLines
}

// over takes back the last lines, which were printed by shown.
func (p *printer) over(lines int) {
	if p.err == nil && lines > 0 {
		_, p.err = fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", lines)
	}
}

// claims shows all of them. Its error says which do not hold, or that nobody
// reads the story.
func (p *printer) claims(all []claim) error {
	p.linef("")
	for _, c := range all {
		p.claim(c)
	}
	if err := failed(all); err != nil {
		return fmt.Errorf("not as claimed:\n%w", err)
	}
	if p.err != nil {
		return fmt.Errorf("writing the story: %w", p.err)
	}
	return nil
}

// claim shows whether something that was claimed is so.
func (p *printer) claim(c claim) {
	if c.err != nil {
		p.linef("  %s %s: %v", p.in(red, "✗"), c.text, c.err)
		return
	}
	p.linef("  %s %s", p.in(green, "✓"), c.text)
}
