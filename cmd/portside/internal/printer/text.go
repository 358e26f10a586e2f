package printer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns text that is safe for a terminal and for one line: a server or a
// file may send control characters.
func Clean(text string) string {
	if !strings.ContainsFunc(text, isUnsafe) {
		return text
	}
	var clean strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t':
			clean.WriteByte(' ')
		case isUnsafe(r):
			fmt.Fprintf(&clean, `\u%04x`, r)
		default:
			clean.WriteRune(r)
		}
	}
	return clean.String()
}

// isUnsafe reports whether a character is a control character or changes the
// direction of text.
func isUnsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
}

// Wrap breaks text at spaces into lines of at most width columns. A word that
// is longer has a line of its own; a width of 0 breaks nothing.
func Wrap(text string, width int) []string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// Shorten keeps a type that a source made up from filling the screen. The document
// in JSON has it whole.
func Shorten(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
