package discovery

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// Secret is a string that is in no output: every verb of fmt, JSON and text
// give "[redacted]". The value stands behind a function, because fmt and other
// printers read unexported fields without asking their methods.
type Secret struct{ reveal func() string }

// NewSecret hides a value.
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

// Equal compares the values.
func (s Secret) Equal(other Secret) bool { return s.value() == other.value() }

// Format redacts every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String redacts.
func (Secret) String() string { return redacted }

// MarshalText redacts, in JSON too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
