package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// element is one item of the list, and where it begins.
type element struct {
	raw    json.RawMessage
	offset int
	// fields is nil where the item is no object.
	fields map[string]fieldValue
}

// fieldValue is the value of a field of an item, and where it begins. Of a
// field that is repeated it is the last.
type fieldValue struct {
	raw      json.RawMessage
	offset   int
	repeated bool
}

// checkList checks that the data is one JSON list and nothing else. What
// commonly comes in its place gets a text of its own.
func checkList(data []byte) error {
	const want = "must be the JSON list of GET /api/v1/adapters"
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(data) > MaxBodyBytes:
		return fmt.Errorf("is longer than %d bytes: %s", MaxBodyBytes, want)
	case len(trimmed) == 0:
		return fmt.Errorf("is empty: %s ([] for no adapters)", want)
	case trimmed[0] == '<':
		return fmt.Errorf("is HTML or XML: %s; check the address, and what stands between (a login page, a proxy)", want)
	case !utf8.Valid(data):
		return fmt.Errorf("is not UTF-8 text: %s", want)
	}
	return checkJSON(data, want)
}

// checkJSON checks the syntax. The decoder's own text is left out of errors:
// it quotes the data.
func checkJSON(data []byte, want string) error {
	var value json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("is not JSON, at %s: %s", position(data, int(syntax.Offset)-1), want)
	}
	if err != nil {
		return fmt.Errorf("is cut off, at %s: ask again for the whole list", position(data, len(data)))
	}
	if kind := kindOf(value); kind != "a list" {
		return fmt.Errorf("is %s: %s; check the address, and whether it is an error message", kind, want)
	}
	end := int(decoder.InputOffset())
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("goes on after the list, at %s: %s and nothing else", position(data, len(data)-len(rest)), want)
	}
	return nil
}

// splitList gives the items of a list that checkList has accepted.
func splitList(data []byte) ([]element, error) {
	elements := []element{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	for decoder.More() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, err
		}
		e := element{raw: raw, offset: int(decoder.InputOffset()) - len(raw)}
		if err := e.splitObject(); err != nil {
			return nil, err
		}
		elements = append(elements, e)
	}
	return elements, nil
}

// splitObject takes an item apart by hand: decoding into a struct would match
// names in any case, and into a map would drop repeated ones.
func (e *element) splitObject() error {
	if kindOf(e.raw) != "an object" {
		return nil
	}
	e.fields = map[string]fieldValue{}
	decoder := json.NewDecoder(bytes.NewReader(e.raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		value := fieldValue{}
		if err := decoder.Decode(&value.raw); err != nil {
			return err
		}
		key, _ := name.(string)
		value.offset = e.offset + int(decoder.InputOffset()) - len(value.raw)
		_, value.repeated = e.fields[key]
		e.fields[key] = value
	}
	return nil
}

// label gives the item's type for error texts, where it has a short one.
func (e element) label() string {
	const most = 20
	var typ string
	if err := json.Unmarshal(e.fields["type"].raw, &typ); err != nil || typ == "" || len(typ) > most {
		return ""
	}
	return fmt.Sprintf(" (type %q)", typ)
}

// position says where a byte of the data is: its line from 1, its offset from 0.
func position(data []byte, offset int) string {
	before := data[:min(offset, len(data))]
	return fmt.Sprintf("line %d, byte %d", 1+bytes.Count(before, []byte("\n")), len(before))
}
