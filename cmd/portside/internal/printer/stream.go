// Package printer prints for people and for programs: tables that fit the
// terminal, JSON and YAML documents, the ports of a diff, and messages. The
// documents of all commands are here.
package printer

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Stream is a writer and what is known of its terminal. Without a terminal nothing
// is wrapped or coloured: a program reads it.
type Stream struct {
	io.Writer
	// Width is the terminal's, in columns; 0 where there is none.
	Width int
	// Color permits colours.
	Color bool
}

// StreamOf returns the stream of a writer, which may be a terminal. NO_COLOR
// (https://no-color.org) and a dumb terminal forbid colours.
func StreamOf(w io.Writer) Stream {
	s := Stream{Writer: w}
	file, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		s.Width = width
	}
	s.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

// Color is a colour of the terminal.
type Color string

// The colours in use, bold or plain, as kubectl and git have them.
const (
	Red     Color = "\x1b[31m"
	Green   Color = "\x1b[32m"
	BoldRed Color = "\x1b[31;1m"
	Yellow  Color = "\x1b[33;1m"
)

// Paint colours the text where that is permitted. The empty colour is none.
func (s Stream) Paint(color Color, text string) string {
	if !s.Color || color == "" {
		return text
	}
	return string(color) + text + "\x1b[0m"
}
