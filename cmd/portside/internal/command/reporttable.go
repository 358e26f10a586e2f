package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
)

// none stands for an empty cell, as kubectl has it.
const none = "<none>"

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func list(names []string) string { return orNone(strings.Join(names, ", ")) }

func (n targetName) long() string { return singular(n.kind) + "/" + n.Name }

// short leaves room for the rest of a line.
func (n targetName) short() string {
	if d, err := workload.Define(n.kind); err == nil && len(d.ShortNames) > 0 {
		return d.ShortNames[0] + "/" + n.Name
	}
	return n.long()
}

// resource is how -o name prints an object.
func (n targetName) resource() string { return singular(n.kind) + "." + n.kind.Group + "/" + n.Name }

func (p portReport) number() string { return fmt.Sprintf("%d/%.10s", p.Port, p.Protocol) }

// table has a line for each port, and one for a target without any. What is
// wrong is said on stderr.
func (r *report) table() output.Table {
	t := output.Table{Columns: []string{"TARGET", "OUTCOME", "PORT", "NUMBER", "STATE", "OWNERS"}}
	namespaces := r.severalNamespaces()
	if namespaces {
		t.Columns = slices.Insert(t.Columns, 0, "NAMESPACE")
	}
	r.eachPort(func(target targetReport, port *portReport) {
		row := []string{target.Target.short(), r.outcome(target), none, none, none, none}
		if port != nil {
			row = append(row[:2], orNone(port.Name), port.number(), string(port.State), list(port.Owners))
		}
		if namespaces {
			row = slices.Insert(row, 0, target.Target.Namespace)
		}
		t.Rows = append(t.Rows, row)
	})
	return t
}

func (r *report) wideTable() output.Table {
	t := output.Table{Columns: []string{"NAMESPACE", "TARGET", "CONTAINER", "OUTCOME", "TYPE", "PORT", "NUMBER", "STATE", "OWNERS", "MESSAGE"}}
	r.eachPort(func(target targetReport, port *portReport) {
		row := []string{target.Target.Namespace, target.Target.long(), orNone(target.Container), r.outcome(target)}
		if port == nil {
			row = append(row, none, none, none, none, none, orNone(target.Error))
		} else {
			row = append(row, orNone(shorten(port.Type)), orNone(port.Name), port.number(), string(port.State), list(port.Owners), orNone(port.Message))
		}
		t.Rows = append(t.Rows, row)
	})
	return t
}

// outcome says, as kubectl does, that it is what would have been.
func (r *report) outcome(t targetReport) string {
	if r.dryRun {
		return string(t.Outcome) + " (server dry run)"
	}
	return string(t.Outcome)
}

func (r *report) eachPort(do func(targetReport, *portReport)) {
	for _, target := range r.Results {
		if len(target.Ports) == 0 {
			do(target, nil)
		}
		for i := range target.Ports {
			do(target, &target.Ports[i])
		}
	}
}

func (r *report) severalNamespaces() bool {
	return slices.ContainsFunc(r.Results, func(t targetReport) bool {
		return t.Target.Namespace != r.Results[0].Target.Namespace
	})
}

// writeNames prints the workloads that were dealt with.
func (r *report) writeNames(out io.Writer) error {
	for _, target := range r.Results {
		switch target.Outcome {
		case apply.Applied, apply.Unchanged, apply.Paused:
			if _, err := fmt.Fprintln(out, target.Target.resource()); err != nil {
				return err
			}
		}
	}
	return nil
}
