package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/fieldmanager"
)

// Adopt moves the adapter ports of a container, which [Workload.Container] finds by
// this name, that the managers named from
// own, by whatever operation, into our entry, and nothing else of those
// managers'. The pod template does not change.
//
// Where a plain update has left an adapter port and a static port with one key
// (row 11), the adapter's copy is taken out, which changes the template once,
// and the key goes back to the manager that declares the static port, or to
// nobody where that cannot be told; its next apply takes it again.
//
// A list of ports that they own and that is not there, which a pass cannot apply
// a port to, is taken from them.
//
// It is for managers that no longer write. One that updates the ports again will
// own them again beside us. Of one that applies them, the API server would refuse
// the next apply once we have renumbered a port, so taking a port from an Apply entry
// is a [LiveManagerError] without [WithGoneManagers].
//
// The outcome is Applied, Unchanged when none holds an adapter port, TargetNotFound,
// ContainerNotFound, Paused or Failed; the last and ContainerNotFound have an
// error. The warnings are [InLastApplied] alone.
func (a *Applier) Adopt(ctx context.Context, t workload.Target, container string, from []string, options ...AdoptOption) (Result, error) {
	result := Result{Target: t, Container: container}
	var o adoptOptions
	for _, option := range options {
		option(&o)
	}
	if slices.Contains(from, a.manager) {
		result.Outcome = Failed
		return result, fmt.Errorf("%s cannot adopt from itself; name the manager that has the ports", a.manager)
	}
	err := retry.OnError(overtaken, isOvertaken, func() error {
		return a.adoptOnce(ctx, &result, container, from, o)
	})
	return result.ended(err)
}

// Adoptable are the containers of a workload, in their order, in which [Adopt]
// from these managers has something to do: they own adapter ports there, or an
// adoption that was cut off between its two writes is to be ended.
//
// [Adopt]: Applier.Adopt
func (a *Applier) Adoptable(w *workload.Workload, from ...string) ([]string, error) {
	var containers []string
	for i := range w.Containers {
		c := &w.Containers[i]
		now, err := w.lookAt(a.us(), c)
		if err != nil {
			return nil, err
		}
		owners, err := a.ownersOfNothing(w, c)
		if err != nil {
			return nil, err
		}
		if len(withNames(owners, from)) > 0 || slices.ContainsFunc(now.ports, func(p *livePort) bool {
			return p.heldBy(from) && c.hasAdapterPort(p.key) || p.toGiveBack(a.manager)
		}) {
			containers = append(containers, c.Name)
		}
	}
	return containers, nil
}

func (p *livePort) heldBy(names []string) bool {
	return slices.ContainsFunc(p.owners, func(m fieldmanager.Manager) bool { return slices.Contains(names, m.Name) })
}

// toGiveBack tells of a static port that fell to our name as an update.
func (p *livePort) toGiveBack(us string) bool {
	return !strings.HasPrefix(p.name, port.NamePrefix) && slices.Contains(p.owners, fieldmanager.Updater(us))
}

// hasAdapterPort looks at every item of the key, of which there may be two.
func (c *workload.Container) hasAdapterPort(key portKey) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return portKey{p.ContainerPort, p.Protocol} == key && strings.HasPrefix(p.Name, port.NamePrefix)
	})
}

// adoptOnce looks, and does what is still to do: it can be run again after any
// of its writes.
func (a *Applier) adoptOnce(ctx context.Context, r *Result, container string, from []string, o adoptOptions) error {
	w, err := a.Get(ctx, r.Target)
	if err != nil {
		return err
	}
	if r.Before == nil {
		r.Before, r.Outcome = w, Unchanged
	}
	r.After, r.ResourceVersion = w, w.ResourceVersion
	c, err := w.Container(container)
	if err != nil {
		return err
	}
	r.Container = c.Name
	if w.Paused && r.Outcome == Applied {
		return &workload.TargetError{w.target(), errors.New("paused between the two writes of its adoption; adopt again once it is not paused, so that the static port's owner gets its key back")}
	}
	if w.Paused {
		r.Outcome = Paused
		return nil
	}
	if err := a.dedicated(w); err != nil {
		return err
	}
	step, err := a.adoption(w, c, from)
	if err != nil {
		return err
	}
	if len(step.applied) > 0 && !o.gone {
		return &LiveManagerError{Target: w.target(), Manager: step.applier, Ports: step.applied}
	}
	if err := a.takeOver(ctx, r, w, step); err != nil {
		return err
	}
	if len(step.remove) > 0 && a.dryRun {
		return nil // what would be given back is not there to be seen
	}
	return a.giveBack(ctx, r, from)
}

// adoption is what is to be done about one container.
type adoption struct {
	container string
	// take are the ports to hand over.
	take []fieldmanager.Key
	from []fieldmanager.Manager
	// remove takes out adapter ports that share their key with a static port;
	// drop are those keys.
	remove []fieldmanager.PatchOperation
	drop   []fieldmanager.Key
	ports  []PortStatus
	// owners of the list of ports, which has none.
	ofNothing []fieldmanager.Manager
	// applied are the ports that applier, one of from, owns by an Apply.
	applied []port.Port
	applier fieldmanager.Manager
}

func (a *Applier) adoption(w *workload.Workload, c *workload.Container, from []string) (*adoption, error) {
	entries, err := w.entries()
	if err != nil {
		return nil, err
	}
	now, err := w.lookAt(a.us(), c)
	if err != nil {
		return nil, err
	}
	ofNothing, err := a.ownersOfNothing(w, c)
	if err != nil {
		return nil, err
	}
	step := &adoption{container: c.Name, ofNothing: withNames(ofNothing, from)}
	for _, e := range entries {
		if slices.Contains(from, e.Name) && e.Subresource == "" && !slices.Contains(step.from, e.Manager) {
			step.from = append(step.from, e.Manager)
		}
	}
	for i, port := range c.Ports {
		live := now.byKey[portKey{port.ContainerPort, port.Protocol}]
		if !strings.HasPrefix(port.Name, port.NamePrefix) || !live.heldBy(from) {
			continue
		}
		step.appliedBy(live, port, from)
		if live.twice {
			step.dropCopy(w, c, i)
			continue
		}
		step.take = append(step.take, live.key.fields())
		step.ports = append(step.ports, PortStatus{Name: port.Name, Port: int64(port.ContainerPort), Protocol: port.Protocol, State: port.Owned})
	}
	return step, nil
}

// appliedBy notes a port that one of the managers owns by an Apply, for the first
// such manager.
func (s *adoption) appliedBy(live *livePort, port corev1.ContainerPort, from []string) {
	for _, m := range live.others {
		if m.Operation == metav1.ManagedFieldsOperationApply && slices.Contains(from, m.Name) && (len(s.applied) == 0 || s.applier == m) {
			s.applier = m
			s.applied = append(s.applied, port.Port{Name: port.Name, Number: port.ContainerPort, Protocol: port.Protocol})
			return
		}
	}
}

// dropCopy plans to remove the adapter port at i, provided that it is still
// there and that a static port with its key remains.
func (s *adoption) dropCopy(w *workload.Workload, c *workload.Container, i int) {
	port := c.Ports[i]
	static := slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool {
		return q.ContainerPort == port.ContainerPort && q.Protocol == port.Protocol && !strings.HasPrefix(q.Name, port.NamePrefix)
	})
	status := PortStatus{Name: port.Name, Port: int64(port.ContainerPort), Protocol: port.Protocol}
	if !static {
		status.State, status.Reason, status.Message = port.Blocked, port.ReasonDuplicateKey, "several adapter ports have this number and protocol; remove all but one by hand"
		s.ports = append(s.ports, status)
		return
	}
	at := slices.IndexFunc(w.Containers, func(o workload.Container) bool { return o.Name == c.Name })
	// The last copy goes first, so that the indices of those before it hold.
	s.remove = append(removal(at, i, port), s.remove...)
	s.drop = append(s.drop, portKey{port.ContainerPort, port.Protocol}.fields())
	status.State, status.Reason, status.Message = port.Removed, port.ReasonDuplicateKey, "a static port has the same number and protocol; it stays"
	s.ports = append(s.ports, status)
}

// takeOver stores the hand-over and the removal of copies, in one patch.
func (a *Applier) takeOver(ctx context.Context, r *Result, w *workload.Workload, s *adoption) error {
	if len(s.take) == 0 && len(s.remove) == 0 && len(s.ofNothing) == 0 {
		if r.Outcome != Applied { // else they were told before another writer came in between
			r.Ports = s.ports
		}
		return nil
	}
	list := portsOf(s.container)
	managed, moved, err := fieldmanager.Transfer{List: list, Leaves: portLeaves, From: s.from,
		To: &fieldmanager.Recipient{Manager: a.us(), APIVersion: APIVersion}}.Apply(w.ManagedFields, s.take...)
	if err != nil {
		return err
	}
	if len(moved) > 0 {
		a.touch(managed, metav1.Now())
	}
	if managed, _, err = (fieldmanager.Transfer{List: list, Leaves: portLeaves, From: s.from}).Apply(managed, s.drop...); err != nil {
		return err
	}
	if managed, err = withoutNothing(managed, s.container, s.ofNothing); err != nil {
		return err
	}
	after, err := a.patchManagedFields(ctx, w, managed, s.remove...)
	if err != nil {
		return err
	}
	r.Outcome, r.After, r.ResourceVersion, r.Ports = Applied, after, after.ResourceVersion, s.ports
	return a.tellAdopted(r, after)
}

// touch sets the time of our entry, as the API server does when a manager gets
// further fields. With the time of the manager that had them, the entry would
// claim that we wrote the ports then.
func (a *Applier) touch(managed []metav1.ManagedFieldsEntry, now metav1.Time) {
	for i := range managed {
		if e := &managed[i]; e.Manager == a.manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			e.Time = &now
		}
	}
}

// tellAdopted gives the ports that were handed over the state that the next
// pass finds them in.
func (a *Applier) tellAdopted(r *Result, after *workload.Workload) error {
	c, err := after.Container(r.Container)
	if err != nil {
		return err
	}
	now, err := after.lookAt(a.us(), c)
	if err != nil {
		return err
	}
	for i := range r.Ports {
		s := &r.Ports[i]
		if s.State != port.Owned {
			continue
		}
		p, live := now.byName[s.Name]
		switch {
		case !live:
		case len(p.others) > 0 && p.namedByOwner():
			s.State, s.Reason, s.Message = port.Shared, port.ReasonCoOwned, "also declared by "+list(p.others)
		case len(p.others) > 0:
			s.State, s.Reason, s.Message = port.Shadowed, port.ReasonDeclaredByOwner, fmt.Sprintf("%s is declared by %s under another name, which the next pass gives back", p.key, list(p.others))
		}
		if live {
			s.Owners = p.owners
		}
	}
	r.Warnings = after.warnOfLastApplied(r.Container, r.Ports)
	return nil
}

// allLeaves are all the fields of a port: what an update of ours came to own of
// a static port goes back whole.
var allLeaves = []string{"containerPort", "hostIP", "hostPort", "name", "protocol"}

// giveBack returns the keys of static ports that fell to our own name, as an
// update, when copies were taken out, now or in a run that did not end: to the
// manager that declares the static port, or to nobody.
func (a *Applier) giveBack(ctx context.Context, r *Result, from []string) error {
	w := r.After
	c, err := w.Container(r.Container)
	if err != nil {
		return err
	}
	entries, err := w.entries()
	if err != nil {
		return err
	}
	updater := fieldmanager.Updater(a.manager)
	entry, _ := entries.Of(updater)
	h := fieldmanager.Transfer{List: portsOf(c.Name), Leaves: allLeaves, From: []fieldmanager.Manager{updater}}
	if owner, known := a.staticOwner(entries, c, from); known && r.handedOver() {
		h.To = &fieldmanager.Recipient{Manager: owner, APIVersion: APIVersion}
	}
	var keys []fieldmanager.Key
	for _, p := range c.Ports {
		if key := (portKey{p.ContainerPort, p.Protocol}).fields(); !strings.HasPrefix(p.Name, port.NamePrefix) && entry.Fields != nil && entry.Fields.Has(h.List.Item(key)) {
			keys = append(keys, key)
		}
	}
	managed, moved, err := h.Apply(w.ManagedFields, keys...)
	if err != nil || len(moved) == 0 {
		return err
	}
	after, err := a.patchManagedFields(ctx, w, managed)
	if err != nil {
		return err
	}
	r.Outcome, r.After, r.ResourceVersion = Applied, after, after.ResourceVersion
	return nil
}

// handedOver tells whether the adoption moved ports, in this try or in one that
// another writer came in between. Who had none but the doubled one is no
// operator of adapter ports: it may as well have added the static port.
func (r *Result) handedOver() bool {
	return slices.ContainsFunc(r.Ports, func(p PortStatus) bool { return p.State != port.Removed && p.State != port.Blocked })
}

// staticOwner is the manager that declares a container's static ports: the only
// one, beside us and those we adopt from, that declares the container, and
// the owner of every static port there that has one. Where that is not so, the
// key goes to nobody, and its owner's next apply takes it: given to the wrong
// manager, that manager's next apply would remove the port.
func (a *Applier) staticOwner(entries fieldmanager.Entries, c *workload.Container, from []string) (fieldmanager.Manager, bool) {
	var owners []fieldmanager.Manager
	for _, m := range entries.In(containersOf).Of(fieldmanager.KeyOf("name", c.Name)).Item {
		if m.Name != a.manager && !slices.Contains(from, m.Name) && m.Name != fieldmanager.BeforeFirstApply {
			owners = append(owners, m)
		}
	}
	if len(owners) != 1 {
		return fieldmanager.Manager{}, false
	}
	declares := false
	for _, p := range lookAt(entries, a.us(), c).ports {
		others := slices.DeleteFunc(slices.Clone(p.others), func(m fieldmanager.Manager) bool { return m.Name == a.manager })
		if strings.HasPrefix(p.name, port.NamePrefix) || len(others) == 0 {
			continue
		}
		if !slices.Contains(others, owners[0]) {
			return fieldmanager.Manager{}, false
		}
		declares = true
	}
	return owners[0], declares
}
