package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// document is what data must be.
type document struct {
	name string // of the whole
	want string
	none string // how no adapters are written
	// isList reports whether it must be a list.
	isList bool
}

var (
	list   = document{"list", "must be the JSON list of GET /api/v1/adapters", " ([] for no adapters)", true}
	answer = document{"answer", "must be the JSON answer that spec.discovery.http.expression maps", "", false}
)

// check checks that the data is one JSON document and nothing else. Common mistakes
// have an error text of their own.
func (d document) check(data []byte) error {
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(data) > MaxBodyBytes:
		return fmt.Errorf("is longer than %d bytes: %s", MaxBodyBytes, d.want)
	case len(trimmed) == 0:
		return fmt.Errorf("is empty: %s%s", d.want, d.none)
	case trimmed[0] == '<':
		return fmt.Errorf("is HTML or XML: %s; check the address, and whether a login page or a proxy answered", d.want)
	case !utf8.Valid(data):
		return fmt.Errorf("is not UTF-8 text: %s", d.want)
	}
	return d.checkJSON(data, kindOf(trimmed))
}

// checkJSON checks the syntax, without a copy of the data. Errors do not have the
// text of the decoder, which quotes the data.
func (d document) checkJSON(data []byte, kind string) error {
	end, wrong := syntaxError(data)
	switch {
	case wrong && end >= len(data):
		return fmt.Errorf("is truncated, at %s: get the whole %s again", position(data, len(data)), d.name)
	case wrong && !json.Valid(data[:end]):
		return fmt.Errorf("is not JSON, at %s: %s", position(data, end), d.want)
	case d.isList && kind != "a list":
		return fmt.Errorf("is %s: %s; check the address, and whether it is an error message", kind, d.want)
	case wrong:
		return fmt.Errorf("has more after the %s, at %s: %s and nothing else", d.name, position(data, end), d.want)
	}
	return nil
}

// syntaxError returns the offset of the first byte that is not part of a JSON
// value: the end of the data if the value is not complete.
func syntaxError(data []byte) (offset int, wrong bool) {
	// White space after a value that is not complete is an error as well. It
	// distinguishes the end of the data from its last byte.
	err := json.Unmarshal(append(data, ' '), &nothing{})
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return int(syntax.Offset) - 1, true
	}
	return 0, false
}

// nothing decodes from any JSON value and keeps nothing of it.
type nothing struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*nothing) UnmarshalJSON([]byte) error { return nil }

// scanner iterates over the items of a list or an object whose syntax was checked,
// without a copy. It begins at the opening bracket.
type scanner struct {
	data []byte
	at   int
}

// more reports whether there is another item.
func (s *scanner) more() bool {
	for {
		s.at++
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return s.data[s.at] != ']' && s.data[s.at] != '}'
		}
	}
}

// item returns the value that more found, and its offset.
func (s *scanner) item() (raw json.RawMessage, offset int) {
	offset = s.at
	end := valueEnd(s.data, offset)
	s.at = end - 1
	return s.data[offset:end:end], offset
}

// valueEnd returns the end of the JSON value that begins at an offset.
func valueEnd(data []byte, at int) int {
	for depth := 0; ; at++ {
		switch data[at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			at = stringEnd(data, at) - 1
		default:
			if depth == 0 {
				return wordEnd(data, at)
			}
		}
		if depth == 0 {
			return at + 1
		}
	}
}

// stringEnd returns the end of the string that begins at an offset.
func stringEnd(data []byte, at int) int {
	for at++; data[at] != '"'; at++ {
		if data[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// wordEnd returns the end of the number, true, false or null that begins at an
// offset.
func wordEnd(data []byte, at int) int {
	if length := bytes.IndexAny(data[at:], " \t\r\n,]}"); length >= 0 {
		return at + length
	}
	return len(data)
}

// position returns the place of a byte of the data: its line from 1, its offset
// from 0.
func position(data []byte, offset int) string {
	before := data[:min(offset, len(data))]
	return fmt.Sprintf("line %d, byte %d", 1+bytes.Count(before, []byte("\n")), len(before))
}
