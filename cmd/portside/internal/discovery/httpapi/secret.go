package httpapi

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// Secret is a string that is in no output: every verb of fmt, JSON and text
// print "[redacted]". A function has the value, since fmt and other printers read
// unexported fields without calling their methods.
type Secret struct{ reveal func() string }

// NewSecret returns a Secret with a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

func (s Secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

func (s Secret) isSet() bool { return s.reveal != nil }

// Equal reports whether two Secrets have the same value.
func (s Secret) Equal(other Secret) bool { return s.value() == other.value() }

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
