package printer

import (
	"fmt"
	"slices"
	"strings"
)

// Choice is the value of a flag that takes one of a few words. It is a pflag.Value.
type Choice[T ~string] struct {
	value *T
	from  []string
}

// ChoiceOf returns the value of a flag. What it holds now is the default.
func ChoiceOf[T ~string](value *T, from ...string) *Choice[T] {
	return &Choice[T]{value: value, from: from}
}

// String returns the word.
func (c *Choice[T]) String() string { return string(*c.value) }

// Set accepts one of the words.
func (c *Choice[T]) Set(word string) error {
	if !slices.Contains(c.from, word) {
		return fmt.Errorf("must be one of %s", strings.Join(c.from, ", "))
	}
	*c.value = T(word)
	return nil
}

// Type returns the words, which help texts show.
func (c *Choice[T]) Type() string { return strings.Join(c.from, "|") }

// Words returns the words.
func (c *Choice[T]) Words() []string { return c.from }
