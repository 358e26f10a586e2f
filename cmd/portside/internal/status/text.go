package status

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns the text with everything escaped that cannot be printed, as
// Go writes it in a string: control characters and line breaks, characters that
// change the direction of a text, and bytes that are not UTF-8. The API server
// reads an apply as YAML, which refuses most of them.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return text
	}
	var escaped strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&escaped, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			escaped.WriteRune(r)
		default:
			escaped.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		text = text[size:]
	}
	return escaped.String()
}

// truncated marks the end of a text that was cut.
const truncated = "... (truncated)"

// cut returns the printable text, cut to at most so many bytes in JSON, with a mark at
// its end if it was cut.
func cut(text string, most int) string {
	// No character becomes shorter, so anything beyond that is cut anyway.
	text = printable(text[:min(len(text), most+utf8.UTFMax)])
	if len(text)*maxEscape <= most {
		return text
	}
	size, end := 0, 0 // the mark fits after end
	for i, r := range text {
		if size+len(truncated) <= most {
			end = i
		}
		if size += sizeOf(r); size > most {
			return text[:end] + truncated
		}
	}
	return text
}

// maxEscape is the most that JSON makes of one byte of a printable text.
const maxEscape = 6

// sizeOf returns how many bytes a printable character takes in JSON as Go and the
// API server write it.
func sizeOf(r rune) int {
	switch r {
	case '"', '\\':
		return 2
	case '<', '>', '&':
		return maxEscape
	}
	return utf8.RuneLen(r)
}
