package source

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// element is one item of the list, and where it begins.
type element struct {
	raw    json.RawMessage
	offset int
	// fields are those that are read. It is nil where the item is no object.
	fields map[string]fieldValue
}

// fieldValue is the value of a field of an item, and where it begins. Of a
// field that is repeated it is the last.
type fieldValue struct {
	raw      json.RawMessage
	offset   int
	repeated bool
}

// newElement takes an item apart by hand: decoding into a struct would match
// names in any case, and into a map would drop repeated ones. Fields that are not
// read are passed over.
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

// adapter reads the fields that matter, by their exact names, and makes them fit to
// be stored and shown. With an error it gives the offset of what is wrong.
func (e element) adapter() (a Listed, offset int, err error) {
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
		{name: fieldEnabled, read: boolInto(&a.Enabled)},
		{name: fieldRunning, read: boolInto(&a.Running)},
	} {
		value, given := e.fields[want.name]
		switch {
		case value.repeated:
			return a, value.offset, fmt.Errorf("%s: is there more than once", want.name)
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

// label gives the item's type for error texts, where it has a short one.
func (e element) label() string {
	const most = 20
	var typ string
	if err := json.Unmarshal(e.fields[fieldType].raw, &typ); err != nil || typ == "" || len(typ) > most {
		return ""
	}
	return fmt.Sprintf(" (type %+q)", typ)
}
