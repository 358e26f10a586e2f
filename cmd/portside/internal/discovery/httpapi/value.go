package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// kindOf returns the kind of a JSON value for an error text, and none of its
// content.
func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '[':
		return "a list"
	case '{':
		return "an object"
	default:
		return "a number"
	}
}

func stringInto(to *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		if raw[0] != '"' {
			return fmt.Errorf("must be a string, not %s", kindOf(raw))
		}
		return json.Unmarshal(raw, to)
	}
}

func boolInto(to *bool) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		if raw[0] != 't' && raw[0] != 'f' {
			return fmt.Errorf("must be true or false, not %s", kindOf(raw))
		}
		*to = raw[0] == 't'
		return nil
	}
}

// integerInto decodes whole numbers in plain digits only. A server that writes 1e3
// or 1.0 for a port has a fault.
func integerInto(to *int64) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		text := string(raw)
		switch kind := kindOf(raw); {
		case kind != "a number":
			return fmt.Errorf("must be a whole number, not %s", kind)
		case strings.ContainsAny(text, ".eE"):
			return errors.New("must be a whole number in plain digits, without fraction or exponent")
		}
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errors.New("must be a whole number that fits 64 bits")
		}
		*to = number
		return nil
	}
}
