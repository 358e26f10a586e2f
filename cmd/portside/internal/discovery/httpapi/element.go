package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// element is one item of the list and its offset.
type element struct {
	raw    json.RawMessage
	offset int
	// fields are those that are read; nil if the item is not an object.
	fields map[string]fieldValue
}

// fieldValue is the value of a field of an item and its offset; the last value if
// the field is repeated.
type fieldValue struct {
	raw      json.RawMessage
	offset   int
	repeated bool
}

// newElement splits an item into its fields by hand: decoding into a struct would
// match names in any case, and into a map would drop repeated ones. Other fields
// are skipped.
func newElement(raw json.RawMessage, offset int) element {
	e := element{raw: raw, offset: offset}
	if kindOf(raw) != "an object" {
		return e
	}
	e.fields = map[string]fieldValue{}
	for s := (scanner{data: raw}); s.more(); {
		name, _ := s.item()
		s.more() // to the value
		value := fieldValue{}
		value.raw, value.offset = s.item()
		value.offset += offset
		switch key := textOf(name); key {
		case fieldType, fieldPort, fieldProtocol, fieldEnabled, fieldRunning:
			_, value.repeated = e.fields[key]
			e.fields[key] = value
		}
	}
	return e
}

// textOf returns the text of a JSON string.
func textOf(raw json.RawMessage) (text string) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	_ = json.Unmarshal(raw, &text) // its syntax was checked
	return text
}

// adapter reads the fields by their exact names, and makes the adapter printable.
// Without enabled or running it is both, if mapped, and else an error. With an error
// adapter returns the offset of what is wrong.
func (e element) adapter(mapped bool) (a Listed, offset int, err error) {
	a.Enabled, a.Running = mapped, mapped
	if e.fields == nil {
		return a, e.offset, fmt.Errorf("must be an object, not %s", kindOf(e.raw))
	}
	for _, want := range []struct {
		name     string
		optional bool
		read     func(json.RawMessage) error
	}{
		{name: fieldType, read: stringInto(&a.Type)},
		{name: fieldPort, read: integerInto(&a.Port)},
		{name: fieldProtocol, optional: true, read: stringInto(&a.Protocol)},
		{name: fieldEnabled, optional: mapped, read: boolInto(&a.Enabled)},
		{name: fieldRunning, optional: mapped, read: boolInto(&a.Running)},
	} {
		value, given := e.fields[want.name]
		switch {
		case value.repeated:
			return a, value.offset, fmt.Errorf("%s: appears more than once", want.name)
		case !given && want.optional:
			continue
		case !given:
			return a, e.offset, fmt.Errorf("%s: is missing", want.name)
		}
		if err := want.read(value.raw); err != nil {
			return a, value.offset, fmt.Errorf("%s: %w", want.name, err)
		}
	}
	a.Adapter = a.Printable()
	return a, 0, nil
}

// label returns the type of the item for error texts, if it is short.
func (e element) label() string {
	const most = 20
	var typ string
	if err := json.Unmarshal(e.fields[fieldType].raw, &typ); err != nil || typ == "" || len(typ) > most {
		return ""
	}
	return fmt.Sprintf(" (type %+q)", typ)
}
