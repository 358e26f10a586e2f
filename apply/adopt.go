package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/fieldmanager"
)

// Adopt moves the adapter ports of a container that the manager named from
// owns, by whatever operation, into our entry, and nothing else of that
// manager's. The pod template does not change.
//
// Where a plain update has left an adapter port and a static port with one key
// (row 11), the adapter's copy is taken out, which changes the template once,
// and the key goes back to the manager that declares the static port, or to
// nobody where that cannot be told; its next apply takes it again.
//
// A manager that still writes the ports will own them again beside us. The
// outcome is Applied, Unchanged when it holds no adapter port, TargetNotFound,
// ContainerNotFound, Paused or Failed; the last and ContainerNotFound have an
// error.
func (a *Applier) Adopt(ctx context.Context, t Target, from string) (Result, error) {
	result := Result{Target: t}
	if from == a.manager {
		result.Outcome = Failed
		return result, fmt.Errorf("%s cannot adopt from itself; name the manager that has the ports", from)
	}
	err := retry.OnError(overtaken, isOvertaken, func() error {
		return a.adoptOnce(ctx, &result, from)
	})
	switch {
	case IsContainerNotFound(err):
		result.Outcome = ContainerNotFound
	case err != nil:
		result.Outcome, err = notFoundOr(err, t)
	}
	return result, err
}

// adoptOnce looks, and does what is still to do: it can be run again after any
// of its writes.
func (a *Applier) adoptOnce(ctx context.Context, r *Result, from string) error {
	w, err := a.Look(ctx, r.Target)
	if err != nil {
		return err
	}
	if r.Before == nil {
		r.Before, r.Outcome = w, Unchanged
	}
	r.After, r.ResourceVersion = w, w.ResourceVersion
	c, err := w.Container(r.Target.Container)
	if err != nil {
		return err
	}
	r.Container = c.Name
	if w.Paused {
		r.Outcome = Paused
		return nil
	}
	step, err := a.adoption(w, c, from)
	if err != nil {
		return err
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
}

func (a *Applier) adoption(w *Workload, c *Container, from string) (*adoption, error) {
	entries, err := fieldmanager.Decode(w.ManagedFields)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.target(), err)
	}
	now := lookAt(entries, a.us(), c)
	step := &adoption{container: c.Name}
	for _, e := range entries {
		if e.Name == from && e.Subresource == "" && !slices.Contains(step.from, e.Manager) {
			step.from = append(step.from, e.Manager)
		}
	}
	for i, port := range c.Ports {
		live := now.byKey[portKey{port.ContainerPort, port.Protocol}]
		if !strings.HasPrefix(port.Name, NamePrefix) || !slices.ContainsFunc(live.owners, func(m fieldmanager.Manager) bool { return m.Name == from }) {
			continue
		}
		if live.twice {
			step.dropCopy(w, c, i)
			continue
		}
		step.take = append(step.take, live.key.fields())
		step.ports = append(step.ports, adopted(port, live, from))
	}
	return step, nil
}

// dropCopy plans to remove the adapter port at i, provided that it is still
// there and that a static port with its key remains.
func (s *adoption) dropCopy(w *Workload, c *Container, i int) {
	port := c.Ports[i]
	static := slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool {
		return q.ContainerPort == port.ContainerPort && q.Protocol == port.Protocol && !strings.HasPrefix(q.Name, NamePrefix)
	})
	status := PortStatus{Name: port.Name, Port: int64(port.ContainerPort), Protocol: port.Protocol}
	if !static {
		status.State, status.Message = Blocked, "several adapter ports have this number and protocol; remove all but one by hand"
		s.ports = append(s.ports, status)
		return
	}
	at := slices.IndexFunc(w.Containers, func(o Container) bool { return o.Name == c.Name })
	path := fmt.Sprintf("/spec/template/spec/containers/%d/ports/%d", at, i)
	// The last copy goes first, so that the indices of those before it hold.
	s.remove = append([]fieldmanager.PatchOperation{
		{Op: "test", Path: path, Value: port},
		{Op: "remove", Path: path},
	}, s.remove...)
	s.drop = append(s.drop, portKey{port.ContainerPort, port.Protocol}.fields())
	status.State, status.Message = Removed, "a static port has the same number and protocol; it stays"
	s.ports = append(s.ports, status)
}

func adopted(port corev1.ContainerPort, live *livePort, from string) PortStatus {
	s := PortStatus{Name: port.Name, Port: int64(port.ContainerPort), Protocol: port.Protocol, State: Owned}
	var others []fieldmanager.Manager
	for _, m := range live.others {
		if m.Name != from {
			others = append(others, m)
		}
	}
	if len(others) > 0 {
		s.State, s.Message = Shared, "also declared by "+list(others)
	}
	s.Owners = others
	return s
}

// takeOver stores the hand-over and the removal of copies, in one patch.
func (a *Applier) takeOver(ctx context.Context, r *Result, w *Workload, s *adoption) error {
	if len(s.take) == 0 && len(s.remove) == 0 {
		return nil
	}
	list := portsOf(s.container)
	managed, _, err := fieldmanager.HandOver{List: list, Leaves: portLeaves, From: s.from,
		To: &fieldmanager.Taker{Manager: a.us(), APIVersion: APIVersion}}.Do(w.ManagedFields, s.take...)
	if err != nil {
		return err
	}
	if managed, _, err = (fieldmanager.HandOver{List: list, Leaves: portLeaves, From: s.from}).Do(managed, s.drop...); err != nil {
		return err
	}
	after, err := a.patchManagedFields(ctx, w, managed, s.remove...)
	if err != nil {
		return err
	}
	r.Outcome, r.After, r.ResourceVersion = Applied, after, after.ResourceVersion
	r.Ports = append(r.Ports, s.ports...)
	for i := range r.Ports {
		if p := &r.Ports[i]; p.State == Owned || p.State == Shared {
			p.Owners = append(p.Owners, a.us())
			slices.SortFunc(p.Owners, fieldmanager.Manager.Compare)
		}
	}
	return nil
}

// giveBack returns the keys that fell to our own name, as an update, when
// copies were taken out: to the manager that declares the static port, or to
// nobody.
func (a *Applier) giveBack(ctx context.Context, r *Result, from string) error {
	w := r.After
	entries, err := fieldmanager.Decode(w.ManagedFields)
	if err != nil {
		return fmt.Errorf("%s: %w", w.target(), err)
	}
	updater := fieldmanager.Updater(a.manager)
	entry, has := entries.Of(updater)
	if !has {
		return nil
	}
	managed := w.ManagedFields
	for _, key := range entry.Keys(portsOf(r.Container)) {
		h := fieldmanager.HandOver{List: portsOf(r.Container), Leaves: portLeaves, From: []fieldmanager.Manager{updater}}
		if owner, known := a.staticOwner(entries, r.Container, from); known {
			h.To = &fieldmanager.Taker{Manager: owner, APIVersion: APIVersion}
		}
		if managed, _, err = h.Do(managed, key); err != nil {
			return err
		}
	}
	after, err := a.patchManagedFields(ctx, w, managed)
	if err != nil {
		return err
	}
	r.Outcome, r.After, r.ResourceVersion = Applied, after, after.ResourceVersion
	return nil
}

// staticOwner is the one manager beside us and the one we adopt from that
// declares the container, and so its static ports. Where several do, giving a
// port to the wrong one would let its next apply remove it.
func (a *Applier) staticOwner(entries fieldmanager.Entries, container, from string) (fieldmanager.Manager, bool) {
	containers := fieldmanager.ListAt("spec", "template", "spec", "containers")
	var owners []fieldmanager.Manager
	for _, m := range entries.In(containers).Of(fieldmanager.KeyOf("name", container)).Item {
		if m.Name != a.manager && m.Name != from && m.Name != fieldmanager.BeforeFirstApply {
			owners = append(owners, m)
		}
	}
	if len(owners) != 1 {
		return fieldmanager.Manager{}, false
	}
	return owners[0], true
}
