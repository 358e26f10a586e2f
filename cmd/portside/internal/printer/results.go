package printer

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// Results is the document that sync, adopt and release print. Programs read it: a
// field keeps its name and its meaning, and a list is never null.
type Results struct {
	Results []result `json:"results"`
	// dryRun marks the outcomes in tables. Programs know what they asked for.
	dryRun bool
}

type result struct {
	Target          Target        `json:"target"`
	Container       string        `json:"container"`
	Outcome         apply.Outcome `json:"outcome"`
	ResourceVersion string        `json:"resourceVersion"`
	Ports           []resultPort  `json:"ports"`
	Warnings        []warning     `json:"warnings"`
	// Error is set for Failed and ContainerNotFound only.
	Error string `json:"error,omitempty"`
}

// warning is about a port that is as desired, and what will change that.
type warning struct {
	Reason  advice.Reason `json:"reason"`
	Port    string        `json:"port"`
	Manager string        `json:"manager"`
	Message string        `json:"message"`
}

type resultPort struct {
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	Port     int64           `json:"port"`
	Protocol corev1.Protocol `json:"protocol"`
	// TargetPort and NodePort are those of a Service's port, where they are set.
	TargetPort *intstr.IntOrString `json:"targetPort,omitempty"`
	NodePort   int32               `json:"nodePort,omitempty"`
	State      port.State          `json:"state"`
	// Reason is the cause of the state; empty for a plain Owned or Removed.
	Reason  port.Reason `json:"reason"`
	Owners  []string    `json:"owners"`
	Message string      `json:"message"`
}

// NewResults returns a document without results.
func NewResults(dryRun bool) *Results {
	return &Results{Results: []result{}, dryRun: dryRun}
}

// Add adds the result for a target, with the text of its error, if any.
func (r *Results) Add(from apply.Result, failure string) {
	to := result{
		Target:          TargetOf(from.Target),
		Container:       from.Container,
		Outcome:         from.Outcome,
		ResourceVersion: from.ResourceVersion,
		Ports:           make([]resultPort, 0, len(from.Ports)),
		Warnings:        make([]warning, 0, len(from.Warnings)),
		Error:           failure,
	}
	for _, p := range from.Ports {
		to.Ports = append(to.Ports, resultPort{
			p.Type, p.Name, p.Port, p.Protocol, targetPort(p.TargetPort), p.NodePort, p.State, p.Reason, fieldmanager.Names(p.Owners), p.Message,
		})
	}
	for _, w := range from.Warnings {
		to.Warnings = append(to.Warnings, warning{w.Reason, w.Port.Name, w.Manager.Name, w.Message})
	}
	r.Results = append(r.Results, to)
}

// targetPort returns a target port as documents have it, nil where none is set.
func targetPort(p intstr.IntOrString) *intstr.IntOrString {
	if p == (intstr.IntOrString{}) {
		return nil
	}
	return &p
}

// Table returns a row for each port, and one for a target without ports. What is
// wrong is printed on stderr, and in a wide table.
func (r *Results) Table(wide bool) Table {
	t := Table{Columns: []string{"TARGET", "OUTCOME", "PORT", "NUMBER", "STATE", "OWNERS"}}
	namespaces := slices.ContainsFunc(r.Results, func(t result) bool { return t.Target.Namespace != r.Results[0].Target.Namespace })
	switch {
	case wide:
		t.Columns = []string{"NAMESPACE", "TARGET", "CONTAINER", "OUTCOME", "TYPE", "PORT", "NUMBER", "STATE", "OWNERS", "MESSAGE"}
	case namespaces:
		t.Columns = slices.Insert(t.Columns, 0, "NAMESPACE")
	}
	for _, target := range r.Results {
		outcome := string(target.Outcome)
		if r.dryRun {
			outcome += " (server dry run)" // as kubectl says it
		}
		cells := []string{target.Target.short(), outcome}
		switch {
		case wide:
			cells = []string{target.Target.Namespace, target.Target.Long(), orNone(target.Container), outcome}
		case namespaces:
			cells = slices.Insert(cells, 0, target.Target.Namespace)
		}
		for _, p := range target.Ports {
			t.Rows = append(t.Rows, append(slices.Clone(cells), p.cells(wide)...))
		}
		if len(target.Ports) == 0 {
			t.Rows = append(t.Rows, append(cells, noPort(wide, target.Error)...))
		}
	}
	return t
}

func (p resultPort) cells(wide bool) []string {
	cells := []string{orNone(p.Name), number(p.Port, p.Protocol), string(p.State), list(p.Owners)}
	if wide {
		return append(slices.Insert(cells, 0, orNone(Shorten(p.Type))), orNone(p.Message))
	}
	return cells
}

// noPort returns the cells of a target without ports.
func noPort(wide bool, failure string) []string {
	cells := []string{none, none, none, none}
	if wide {
		return append(cells, none, orNone(failure))
	}
	return cells
}

// Names returns the targets that were read.
func (r *Results) Names() []string {
	var names []string
	for _, t := range r.Results {
		switch t.Outcome {
		case apply.Applied, apply.Unchanged, apply.Paused:
			names = append(names, t.Target.resource())
		case apply.TargetNotFound, apply.ContainerNotFound, apply.Failed:
		}
	}
	return names
}
