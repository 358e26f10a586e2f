package printer

import "github.com/portside-dev/portside/cmd/portside/internal/check"

// Findings is the document that check prints.
type Findings struct {
	Findings []check.Finding `json:"findings"`
}

// Table returns a row for each finding.
func (f Findings) Table(bool) Table {
	t := Table{Columns: []string{"CHECK", "STATE", "MESSAGE"}}
	for _, finding := range f.Findings {
		t.Rows = append(t.Rows, []string{finding.Check, string(finding.State), finding.Text()})
	}
	return t
}

// Names returns nothing: findings have no names.
func (f Findings) Names() []string { return nil }
