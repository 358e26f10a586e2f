package apply

import (
	"fmt"
	"slices"

	"github.com/portside-dev/portside/fieldmanager"
)

// WarningReason tells warnings apart.
type Reason string

// The reasons of a warning.
const (
	// MergesByNumber: a manager that applies client side declares a port with
	// the number of an adapter port and another protocol. Client-side apply
	// merges ports by number alone, so a change of the one replaces or deletes
	// the other.
	MergesByNumber advice.Reason = "MergesByNumber"
	// CannotRenumber: a manager applies an adapter port too. The server refuses
	// it another number for that port, also by force, as long as we hold the
	// port's name.
	CannotRenumber advice.Reason = "CannotRenumber"
	// WritesToo: a manager owns an adapter port by an update of it, so that the
	// port stays when its adapter ends. It was not adopted from, or it was and
	// has written the port again.
	WritesToo advice.Reason = "WritesToo"
	// InLastApplied: an adopted port is in what a client-side apply last applied,
	// so that the next one, of a manifest without the port, deletes it.
	InLastApplied advice.Reason = "InLastApplied"
	// ReplacesAll: a manager puts the whole object, as kubectl replace does and
	// Argo CD where Replace=true, so that its next write removes the port.
	ReplacesAll advice.Reason = "ReplacesAll"
)

// Warning is about a port that is as wanted, and about a manager whose way of
// writing will hurt, or be hurt, later on. What cannot be read from the workload
// is not guessed: who applied server-side before and replaces from now on leaves
// no trace until that changes an image, and what Helm replaces by force looks
// like what it merges.
type Warning struct {
	Reason  advice.Reason
	Port    port.Port
	Manager fieldmanager.Manager
	// Message names the port, the manager and the way out. It is the same as
	// long as nothing changes.
	Message string
}

// helm is the manager that Helm 3 updates as. It merges as client-side apply
// does, and writes no annotation.
const helm = "helm"

// mergesByNumber tells of a manager that its next write may be a client-side
// merge.
func (w *workload.Workload) mergesByNumber(m fieldmanager.Manager) bool {
	return slices.Contains(w.ClientSide, m) || m == fieldmanager.Updater(helm)
}

// Warnings are those about ports of a container, as a pass or a decision tells
// them, in their order: those in [Result.Warnings], also where no pass is to be
// made. They are about ports that are live and as wanted. It is pure, and may be
// asked of a [Workload.Trimmed] look.
func (a *Applier) Warnings(w *workload.Workload, container string, ports []PortStatus) []advice.Warning {
	at := slices.IndexFunc(w.Containers, func(c workload.Container) bool { return c.Name == container })
	if at < 0 {
		return nil // which is told as what it is
	}
	now, err := w.lookAt(a.us(), &w.Containers[at])
	if err != nil {
		return nil // the same
	}
	var warnings []advice.Warning
	for _, s := range ports {
		if s.State != port.Owned && s.State != port.Shared {
			continue
		}
		port := port.Port{Name: s.Name, Number: int32(s.Port), Protocol: s.Protocol} //nolint:gosec // G115: it is a live port's
		for _, p := range now.ports {
			switch {
			case p.key == portKey{port.Number, port.Protocol}:
				warnings = append(warnings, a.warnOfOwners(port, p.others)...)
				warnings = append(warnings, w.warnOfReplacing(port, p.others)...)
			case p.key.number == port.Number && !p.ours:
				warnings = append(warnings, warnOfMerges(w, port, p)...)
			}
		}
	}
	return warnings
}

// warnOfOwners: the port is declared by others as well.
func (a *Applier) warnOfOwners(port port.Port, others []fieldmanager.Manager) []advice.Warning {
	var warnings []advice.Warning
	for _, m := range others {
		warning := advice.Warning{Reason: advice.CannotRenumber, Port: port, Manager: m, Message: fmt.Sprintf(
			"%s applies %s too, and cannot give it another number while %s holds its name: renumber the adapter first, or take the port out of that manager's manifest",
			m, port, a.manager)}
		if m.Operation != fieldmanager.Applier("").Operation {
			warning.Reason, warning.Message = advice.WritesToo, fmt.Sprintf(
				"%s has written %s too, so the port stays when its adapter becomes inactive: once that manager no longer writes ports, adopt it",
				m, port)
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// warnOfMerges: another port has the number.
func warnOfMerges(w *workload.Workload, port port.Port, other *livePort) []advice.Warning {
	var warnings []advice.Warning
	for _, m := range other.others {
		if w.mergesByNumber(m) {
			warnings = append(warnings, advice.Warning{Reason: advice.MergesByNumber, Port: port, Manager: m, Message: fmt.Sprintf(
				"%s declares %s and merges ports by number alone, so its next change there may replace or delete %s: have it apply server-side, or give one of the two another number",
				m, other.key, port)})
		}
	}
	return warnings
}
