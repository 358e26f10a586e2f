package command

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
	"github.com/portside-dev/portside/fieldmanager"
)

// report is the document that apply, adopt and release print. Programs read
// it: a field keeps its name and its meaning, and a list is never null.
type report struct {
	Results []targetReport `json:"results"`
	// dryRun tells that nothing was stored. It is for people: programs know
	// what they asked for.
	dryRun bool
}

type targetReport struct {
	Target          targetName      `json:"target"`
	Container       string          `json:"container"`
	Outcome         apply.Outcome   `json:"outcome"`
	ResourceVersion string          `json:"resourceVersion"`
	Ports           []portReport    `json:"ports"`
	Warnings        []warningReport `json:"warnings"`
	// Error is there for Failed and ContainerNotFound alone.
	Error string `json:"error,omitempty"`
}

// warningReport is about a port that is as wanted, and what will hurt later on.
type warningReport struct {
	Reason  advice.Reason `json:"reason"`
	Port    string        `json:"port"`
	Manager string        `json:"manager"`
	Message string        `json:"message"`
}

type targetName struct {
	kind      workload.Kind
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type portReport struct {
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	Port     int64           `json:"port"`
	Protocol corev1.Protocol `json:"protocol"`
	State    port.State      `json:"state"`
	// Reason is the cause of the state; empty for a plain Owned or Removed.
	Reason  port.Reason `json:"reason"`
	Owners  []string    `json:"owners"`
	Message string      `json:"message"`
}

func newReport(run dryRun) *report {
	return &report{Results: []targetReport{}, dryRun: run == dryRunServer}
}

func (r *report) add(result apply.Result, err error) {
	t := targetReport{
		Target:          nameOf(result.Target),
		Container:       result.Container,
		Outcome:         result.Outcome,
		ResourceVersion: result.ResourceVersion,
		Ports:           make([]portReport, 0, len(result.Ports)),
		Warnings:        make([]warningReport, 0, len(result.Warnings)),
		Error:           errorText(err),
	}
	for _, p := range result.Ports {
		t.Ports = append(t.Ports, portReport{
			Type:     p.Type,
			Name:     p.Name,
			Port:     p.Port,
			Protocol: p.Protocol,
			State:    p.State,
			Reason:   p.Reason,
			Owners:   fieldmanager.Names(p.Owners),
			Message:  p.Message,
		})
	}
	for _, w := range result.Warnings {
		t.Warnings = append(t.Warnings, warningReport{Reason: w.Reason, Port: w.Port.Name, Manager: w.Manager.Name, Message: w.Message})
	}
	r.Results = append(r.Results, t)
}

func nameOf(t workload.Target) targetName {
	return targetName{kind: t.Kind, Kind: t.Kind.Kind, Namespace: t.Namespace, Name: t.Name}
}

func (r *report) write(out output.Stream, print printFlags) error {
	switch print.format {
	case output.JSON, output.YAML:
		return output.WriteDocument(out, print.format, r)
	case output.Name:
		return r.writeNames(out)
	case output.Wide:
		return r.wideTable().Write(out, !print.noHeaders)
	}
	return r.table().Write(out, !print.noHeaders)
}
