package printer

import (
	"fmt"
	"io"
	"slices"
)

// OfObject is a document about one object.
type OfObject interface {
	Document
	Object() Target
}

// Objects are the documents of a command that takes several objects.
type Objects struct {
	Items []OfObject `json:"items"`
	// Namespaces is true where the objects may be of several namespaces.
	Namespaces bool `json:"-"`
}

// Print writes the documents in the format. Tables with the same columns are joined to
// one, whose first column has the object.
func (o Objects) Print(s Stream, options Options) error {
	switch options.Format {
	case JSON, YAML:
		return WriteDocument(s, options.Format, o)
	case Name:
		return options.Print(s, o)
	case Annotated:
		for i, item := range o.Items {
			if i > 0 {
				if _, err := io.WriteString(s, "---\n"); err != nil {
					return err
				}
			}
			if err := options.Print(s, item); err != nil {
				return err
			}
		}
		return nil
	}
	return writeTables(s, !options.NoHeaders, o.tables(options.Format == Wide))
}

// Names returns the names of all documents, each once.
func (o Objects) Names() []string {
	var names []string
	for _, item := range o.Items {
		names = append(names, item.Names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Table returns the first table.
func (o Objects) Table(wide bool) Table {
	if tables := o.tables(wide); len(tables) > 0 {
		return tables[0]
	}
	return Table{}
}

// tables returns the tables of all documents. Those with the same columns are one.
func (o Objects) tables(wide bool) []Table {
	var all []Table
	for _, item := range o.Items {
		for _, t := range tablesOf(item, wide) {
			t = o.named(item.Object(), t)
			at := slices.IndexFunc(all, func(other Table) bool { return slices.Equal(other.Columns, t.Columns) })
			if at < 0 {
				all = append(all, t)
			} else {
				all[at].Rows = append(all[at].Rows, t.Rows...)
			}
		}
	}
	return all
}

// named returns a table whose first column has the object.
func (o Objects) named(object Target, t Table) Table {
	before, columns := []string{object.short()}, []string{"OBJECT"}
	if o.Namespaces {
		before, columns = append([]string{object.Namespace}, before...), append([]string{"NAMESPACE"}, columns...)
	}
	named := Table{Columns: slices.Concat(columns, t.Columns)}
	for _, row := range t.Rows {
		named.Rows = append(named.Rows, slices.Concat(before, row))
	}
	return named
}

// tablesOf returns the table of a document and those that follow it.
func tablesOf(d Document, wide bool) []Table {
	all := []Table{d.Table(wide)}
	if more, has := d.(interface{ More() []Table }); has {
		all = append(all, more.More()...)
	}
	return all
}

// writeTables writes the tables that have rows, with an empty line between them.
func writeTables(s Stream, headers bool, tables []Table) error {
	written := 0
	for _, t := range tables {
		if len(t.Rows) == 0 {
			continue
		}
		if written++; written > 1 {
			if _, err := fmt.Fprintln(s); err != nil {
				return err
			}
		}
		if err := t.Write(s, headers); err != nil {
			return err
		}
	}
	return nil
}
