package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// ChangeID identifies a change of a workload from one reconcile to the next. Equal IDs
// are the same change. An ID is compared and never shown.
type ChangeID string

const (
	// NoChange is the ID of a plan that is up to date.
	NoChange ChangeID = ""
	// ReleaseContainer gives up a container that no longer exists.
	ReleaseContainer ChangeID = "container"
	// ReleaseFields waits until the field manager owns ports alone.
	ReleaseFields ChangeID = "fields"
)

// ApplyPorts returns the ID of the change that applies these ports in this order.
func ApplyPorts(ports []port.Port) ChangeID {
	var id strings.Builder
	id.WriteString("ports")
	for _, p := range ports {
		fmt.Fprintf(&id, " %q/%d/%q/%q/%d/%q", p.Name, p.Number, p.Protocol, p.TargetPort.String(), p.NodePort, p.AppProtocol)
	}
	return ChangeID(id.String())
}

// Change is a change that could be applied now.
type Change struct {
	Now      time.Time
	Workload *workload.Workload
	ID       ChangeID
	// Resync reports that the API server is asked although the plan is up to date.
	Resync bool
	// Window is the stabilization window.
	Window time.Duration
	// NextRollout reports that the change waits for a rollout that another manager
	// causes, and Began that one has just begun, see [Templates].
	NextRollout, Began bool
	// Awaited reports that the rollout under way waits for a port that the change
	// adds, see [Awaited].
	Awaited bool
}

// Awaited reports whether a container waits for one of the ports that are applied: its
// probes or lifecycle handlers name it, and it is not declared yet.
func Awaited(c *workload.Container, items []port.Port) bool {
	declared, awaited := map[string]bool{}, map[string]bool{}
	for _, p := range c.Ports {
		declared[p.Name] = true
	}
	for _, name := range c.ProbePorts {
		awaited[name] = !declared[name]
	}
	for _, p := range items {
		if p.Name != "" && awaited[p.Name] {
			return true
		}
	}
	return false
}
