package printer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Format is how a result is printed.
type Format string

// The formats, as kubectl names them.
const (
	TableFormat Format = "table"
	Wide        Format = "wide"
	JSON        Format = "json"
	YAML        Format = "yaml"
	Name        Format = "name"
)

// Formats lists them.
var Formats = []string{string(TableFormat), string(Wide), string(JSON), string(YAML), string(Name)}

// WriteDocument prints a value as JSON, indented as kubectl does it, or YAML.
func WriteDocument(w io.Writer, format Format, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "    ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	document := text.Bytes()
	if format == YAML {
		var err error
		if document, err = yaml.JSONToYAML(document); err != nil {
			return err
		}
	}
	_, err := w.Write(document)
	return err
}

// Choice is a flag that takes one of a few words. It is a pflag.Value.
type Choice[T ~string] struct {
	value *T
	from  []string
}

// ChoiceOf makes the flag's value; what value holds is the default.
func ChoiceOf[T ~string](value *T, from ...string) *Choice[T] {
	return &Choice[T]{value: value, from: from}
}

// String is the word chosen.
func (c *Choice[T]) String() string { return string(*c.value) }

// Set refuses what is not among the words.
func (c *Choice[T]) Set(word string) error {
	if !slices.Contains(c.from, word) {
		return fmt.Errorf("must be one of %s", strings.Join(c.from, ", "))
	}
	*c.value = T(word)
	return nil
}

// Type is what the help text calls the value.
func (c *Choice[T]) Type() string { return strings.Join(c.from, "|") }
