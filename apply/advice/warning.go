package advice

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// Reason is the cause of a warning, for programs to read.
type Reason string

// The reasons of a warning.
const (
	// MergesByNumber: a manager that applies client side declares a port with
	// the number of an adapter port and another protocol. Client-side apply
	// merges ports by number alone, so a change of the one replaces or deletes
	// the other.
	MergesByNumber Reason = "MergesByNumber"
	// CannotRenumber: a manager applies an adapter port too. The server refuses
	// it another number for that port, also by force, as long as we own the
	// port's name.
	CannotRenumber Reason = "CannotRenumber"
	// WritesToo: a manager owns an adapter port by an Update of it, so that the
	// port stays when its adapter becomes inactive. The port was not adopted from
	// that manager, or it was and the manager has written it again; or
	// managedFields were lost, as in a restore.
	WritesToo Reason = "WritesToo"
	// InLastApplied: an adopted port is in what a client-side apply last applied,
	// so that the next one, of a manifest without the port, deletes it.
	InLastApplied Reason = "InLastApplied"
	// ReplacesAll: a manager replaces the whole object, as kubectl replace does and
	// Argo CD where Replace=true, so that its next write removes the port.
	ReplacesAll Reason = "ReplacesAll"
)

// Warning is about a port that is declared as desired, and about a manager whose way of
// writing will damage it, or be damaged by it, later on. What cannot be read from the
// workload is not guessed: a manager that applied server-side before and replaces from
// now on leaves no trace until that changes an image, and what Helm replaces by force
// looks like what it merges.
type Warning struct {
	Reason  Reason
	Port    port.Port
	Manager fieldmanager.Manager
	// Message names the port, the manager and the way out. It is the same as
	// long as nothing changes.
	Message string
}

// Warnings returns the warnings about ports that manager applies in an observed list, in
// their order. Ports that are not live have none.
func (w Writers) Warnings(manager string, o *port.Observed, applied []port.Port) []Warning {
	var warnings []Warning
	for _, p := range applied {
		for _, live := range o.Items {
			switch other := o.List.Port(live.Item); {
			case other.Number != p.Number:
			case other.Protocol == p.Protocol:
				warnings = append(warnings, ownedToo(manager, p, live.Others)...)
				warnings = append(warnings, w.replaced(p, live.Others)...)
			case !live.Ours:
				warnings = append(warnings, w.merged(p, live, o.List.Text(live.Key))...)
			}
		}
	}
	return warnings
}

// ownedToo returns the warnings about other managers that own the port.
func ownedToo(manager string, p port.Port, others []fieldmanager.Manager) []Warning {
	var warnings []Warning
	for _, m := range others {
		warning := Warning{Reason: WritesToo, Port: p, Manager: m, Message: fmt.Sprintf(
			"%s has written %s too, so the port stays when its adapter becomes inactive: once that manager no longer writes ports, adopt it",
			m, p)}
		switch {
		case m == fieldmanager.Updater(fieldmanager.BeforeFirstApply):
			warning.Message = fmt.Sprintf(
				"%s owns %s too, so the port stays when its adapter becomes inactive; nothing writes under that name, which the API server gives to fields that have lost their owners: adopt it",
				m, p)
		case m.Operation == metav1.ManagedFieldsOperationApply:
			warning.Reason, warning.Message = CannotRenumber, fmt.Sprintf(
				"%s applies %s too, and cannot give it another number while %s holds its name: renumber the adapter first, or take the port out of that manager's manifest",
				m, p, manager)
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// merged returns the warnings about another port that has the number.
func (w Writers) merged(p port.Port, other *port.Live, key string) []Warning {
	var warnings []Warning
	for _, m := range other.Others {
		if w.mergesByNumber(m) {
			warnings = append(warnings, Warning{Reason: MergesByNumber, Port: p, Manager: m, Message: fmt.Sprintf(
				"%s declares %s and merges ports by number alone, so its next change there may replace or delete %s: have it apply server-side, or give one of the two another number",
				m, key, p)})
		}
	}
	return warnings
}

// replaced returns the warnings about managers whose next write removes the port, unless
// what they write has it.
func (w Writers) replaced(p port.Port, owners []fieldmanager.Manager) []Warning {
	var warnings []Warning
	for _, m := range w.Replacing {
		if slices.Contains(owners, m) {
			continue // what they write has the port
		}
		consequence, noun := " and pods restart", "workload"
		if w.ofService {
			consequence, noun = "", "Service"
		}
		message := fmt.Sprintf(
			"%s replaces the whole object, as Argo CD does with Replace=true, so its next sync removes %s%s: sync with ServerSideApply=true in place of Replace=true in the Application's syncOptions, or in the annotation %s of the %s; then Git can drop what was replaced if the Application has the annotation argocd.argoproj.io/client-side-apply-migration-manager: %s",
			m, p, consequence, syncOptions, noun, m.Name)
		if m.Name == kubectlReplace {
			message = fmt.Sprintf(
				"%s replaced the whole object, and the next kubectl replace of a manifest without %s removes it%s: run kubectl apply --server-side --force-conflicts in its place",
				m, p, consequence)
		}
		warnings = append(warnings, Warning{Reason: ReplacesAll, Port: p, Manager: m, Message: message})
	}
	return warnings
}

// Adopted returns the warnings about adopted ports of a container. A client-side apply
// deletes what it applied and the new manifest does not have, whichever manager owns it by
// then. An annotation that no manager owns by an Update is of a server-side apply, which
// does not merge.
func (w Writers) Adopted(container string, adopted []port.Port) []Warning {
	if w.lastApplied == "" || len(w.ClientSide) == 0 {
		return nil
	}
	var warnings []Warning
	listed := w.lastAppliedPorts(container)
	for _, p := range adopted {
		if !slices.Contains(listed, port.Port{Number: p.Number, Protocol: p.Protocol}) {
			continue
		}
		m := w.ClientSide[0]
		warnings = append(warnings, Warning{Reason: InLastApplied, Port: p, Manager: m, Message: fmt.Sprintf(
			"the annotation %s, which %s wrote, lists %s, so the next client-side apply of a manifest without the port deletes it: once the manifest is without it, run kubectl apply set-last-applied -f MANIFEST before that apply, or apply server-side from then on (kubectl apply --server-side)",
			corev1.LastAppliedConfigAnnotation, m, p)})
	}
	return warnings
}
