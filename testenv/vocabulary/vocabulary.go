// Package vocabulary collects, from portside's source, the words that programs read
// in its status, events, metrics and results: states, outcomes and reasons. Tests
// compare them with the documentation.
package vocabulary

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Table is the documentation of one kind of constants.
type Table struct {
	// Heading is that of the section in examples/operations/README.md.
	Heading string
	// types are those of the constants, as in "port.State". "status." stands for
	// the exported constants of package status that have no type.
	types []string
}

// The tables of constants.
var (
	Outcomes         = Table{"Outcomes", []string{"apply.Outcome"}}
	PortStates       = Table{"States of ports", []string{"port.State"}}
	PortReasons      = Table{"Reasons of ports", []string{"port.Reason"}}
	Conditions       = Table{"Conditions", []string{"status."}}
	ConditionReasons = Table{"Reasons of Ready, Reconciling and Stalled", []string{"status.ConditionReason"}}
	DiscoveryReasons = Table{"Reasons of Discovered", []string{"discovery.Reason"}}
	EventReasons     = Table{"Reasons of events", []string{"status.EventReason", "changes.EventReason"}}
	WarningReasons   = Table{"Reasons of warnings", []string{"advice.Reason", "adapterset.ServiceWarningReason"}}
)

// Tables are all of them, in the order of the README.
var Tables = []Table{Outcomes, PortStates, PortReasons, Conditions, ConditionReasons, DiscoveryReasons, EventReasons, WarningReasons}

// Constant is one constant of the source. Its name has the package, as in
// "port.Owned".
type Constant struct{ Name, Value string }

// Constants returns the constants of a table in the order of their values. root is
// the folder of the repository.
func (t Table) Constants(root string) ([]Constant, error) {
	var found []Constant
	for _, folder := range []string{"apply", "cmd"} {
		err := Files(filepath.Join(root, folder), func(path string, file *ast.File) {
			if !strings.HasSuffix(path, "_test.go") {
				found = append(found, t.in(file)...)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b Constant) int { return strings.Compare(a.Value, b.Value) })
	return found, nil
}

// Files parses every Go file below a folder.
func Files(folder string, visit func(path string, file *ast.File)) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			visit(path, file)
		}
		return err
	})
}

// in returns the constants of a file that belong to the table.
func (t Table) in(file *ast.File) []Constant {
	var found []Constant
	for _, declaration := range file.Decls {
		group, is := declaration.(*ast.GenDecl)
		if !is || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			spec, is := s.(*ast.ValueSpec)
			if !is || !slices.Contains(t.types, typeOf(file, spec)) {
				continue
			}
			for i, value := range spec.Values {
				literal, is := value.(*ast.BasicLit)
				if !is || literal.Kind != token.STRING || spec.Type == nil && !spec.Names[i].IsExported() {
					continue
				}
				if text, err := strconv.Unquote(literal.Value); err == nil {
					found = append(found, Constant{file.Name.Name + "." + spec.Names[i].Name, text})
				}
			}
		}
	}
	return found
}

// typeOf returns the declared type of constants, as in "port.State".
func typeOf(file *ast.File, spec *ast.ValueSpec) string {
	switch named := spec.Type.(type) {
	case *ast.Ident:
		return file.Name.Name + "." + named.Name
	case *ast.SelectorExpr:
		if imported, is := named.X.(*ast.Ident); is {
			return imported.Name + "." + named.Sel.Name
		}
	}
	return file.Name.Name + "."
}
