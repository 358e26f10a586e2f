package printer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// Format is a format of results.
type Format string

// The formats, as kubectl names them.
const (
	TableFormat Format = "table"
	Wide        Format = "wide"
	JSON        Format = "json"
	YAML        Format = "yaml"
	Name        Format = "name"
	// Annotated is the object as YAML, each line next to the managers that own it.
	Annotated Format = "annotated"
	// HTML is a page of the object with its history, which package page writes.
	HTML Format = "html"
)

// Formats lists those that every document has.
var Formats = []string{string(TableFormat), string(Wide), string(JSON), string(YAML), string(Name)}

// Document is a result that can be printed in every format.
type Document interface {
	// Table returns the result for people; a wide one has more columns.
	Table(wide bool) Table
	// Names returns the names of its objects, as -o name prints them.
	Names() []string
}

// Options select the format of a result.
type Options struct {
	Format    Format
	NoHeaders bool
}

// IsTable reports whether the result is printed for people.
func (o Options) IsTable() bool { return o.Format == TableFormat || o.Format == Wide }

// Print writes a result in the format.
func (o Options) Print(s Stream, d Document) error {
	switch o.Format {
	case JSON, YAML:
		return WriteDocument(s, o.Format, d)
	case Name:
		for _, name := range d.Names() {
			if _, err := fmt.Fprintln(s, Clean(name)); err != nil {
				return err
			}
		}
		return nil
	case Annotated:
		annotated, has := d.(interface{ Annotate(s Stream) error })
		if !has {
			return fmt.Errorf("%T has no annotated form", d)
		}
		return annotated.Annotate(s)
	}
	if more, has := d.(interface{ More() []Table }); has && len(more.More()) > 0 {
		return writeTables(s, !o.NoHeaders, tablesOf(d, o.Format == Wide))
	}
	return d.Table(o.Format == Wide).Write(s, !o.NoHeaders)
}

// WriteDocument writes a value as JSON, indented as kubectl does, or as YAML.
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
