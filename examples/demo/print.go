package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// width is the most columns of a line: those of a usual terminal.
const width = 80

const (
	bold  = "1"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// printer writes lines, in colour on a terminal.
type printer struct {
	w      io.Writer
	colour bool
	err    error // the first failed write; nothing is written after it
}

func newPrinter(w io.Writer) *printer {
	p := &printer{w: w}
	if file, isFile := w.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		p.colour = wantsColour()
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

// rule prints the title of a part of the story.
func (p *printer) rule(title string) {
	text := "── " + title + " "
	p.linef("")
	p.linef("%s", p.in(bold+";"+cyan, text+strings.Repeat("─", max(0, width-utf8.RuneCountInString(text)))))
}

// block prints a text, indented by two columns and without blank ends.
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

// shown prints a command or a line of its output. Commands, and ports that portside
// owns, stand out.
func (p *printer) shown(line string) {
	line = strings.TrimRight("  "+line, " ")
	switch {
	case strings.HasPrefix(line, "  $ "):
		line = "  " + p.in(bold, line[2:])
	case strings.HasSuffix(line, " "+us):
		line = p.in(green, line)
	}
	p.linef("%s", line)
}

// command prints a command as a user types it.
func (p *printer) command(args []string) {
	p.linef("")
	p.shown("$ " + strings.Join(args, " "))
}

// wrapped prints a text in lines of at most width columns.
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

// claims prints all claims. It returns an error with those that do not hold, or if
// the story cannot be written.
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

// claim prints a claim and whether it holds.
func (p *printer) claim(c claim) {
	if c.err != nil {
		p.linef("  %s %s: %v", p.in(red, "✗"), c.text, c.err)
		return
	}
	p.linef("  %s %s", p.in(green, "✓"), c.text)
}
