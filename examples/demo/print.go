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
	err    error // the first failed write: nobody reads the rest
}

func newPrinter(w io.Writer) *printer {
	file, isFile := w.(*os.File)
	return &printer{w: w, colour: isFile && term.IsTerminal(int(file.Fd())) && wantsColour()}
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

// rule begins a part of the story.
func (p *printer) rule(title string) {
	text := "── " + title + " "
	p.linef("")
	p.linef("%s", p.in(bold+";"+cyan, text+strings.Repeat("─", max(0, width-utf8.RuneCountInString(text)))))
	p.linef("")
}

// block prints text line by line, two columns in and without blank ends.
func (p *printer) block(text string) {
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		p.linef("%s", strings.TrimRight("  "+line, " \n"))
	}
}

// table prints what portside printed, and brings out what is portside's own.
func (p *printer) table(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight("  "+line, " \n")
		if strings.HasSuffix(line, " "+us) {
			line = p.in(green, line)
		}
		p.linef("%s", line)
	}
}

// command shows what is run, as it would be typed.
func (p *printer) command(args []string) {
	p.linef("")
	p.linef("  %s", p.in(bold, "$ portside "+strings.Join(args, " ")))
}

// claim shows whether something that was claimed is so.
func (p *printer) claim(c claim) {
	if c.err != nil {
		p.linef("  %s %s: %v", p.in(red, "✗"), c.text, c.err)
		return
	}
	p.linef("  %s %s", p.in(green, "✓"), c.text)
}
