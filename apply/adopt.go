package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// Adopt moves the adapter ports of a container that the managers named from
// own, by whatever operation, into our entry, and nothing else of those
// managers'. The pod template does not change. The container is found by its name as
// [workload.Workload.Container] finds it.
//
// Where an Update has left an adapter port and a static port with one key
// (row 11), the adapter's copy is removed, which changes the template once,
// and the key goes back to the manager that declares the static port, or to
// none where that is not certain; its next apply takes it again.
//
// A list of ports that they own and that is empty, to which no port can be applied, is
// taken from them.
//
// It is for managers that no longer write. One that updates the ports again will
// own them again next to us. Of one that applies them, the API server would refuse
// the next apply once we have renumbered a port, so taking a port from an Apply entry
// is a [LiveManagerError] without [WithGoneManagers].
//
// The outcome is Applied, Unchanged when none owns an adapter port, TargetNotFound,
// ContainerNotFound, Paused or Failed; the last and ContainerNotFound have an
// error. The warnings are [advice.InLastApplied] alone.
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
	return a.ended(result, err)
}

// adoptOnce reads the workload and does what is still to be done: it can run again after
// any of its writes.
func (a *Applier) adoptOnce(ctx context.Context, r *Result, container string, from []string, options adoptOptions) error {
	w, err := a.Get(ctx, r.Target)
	if err != nil {
		return err
	}
	o, err := a.Observe(w)
	if err != nil {
		return err
	}
	if r.Before == nil {
		r.Before, r.Outcome = w, Unchanged
	}
	r.After, r.ResourceVersion = w, w.ResourceVersion
	if container, err = o.listOf(container); err != nil {
		return err
	}
	r.Container = container
	if w.Paused && r.Outcome == Applied {
		return &workload.TargetError{Target: w.Target, Err: errors.New("paused between the two writes of its adoption; adopt again once it is not paused, so that the static port's owner gets its key back")}
	}
	if w.Paused {
		r.Outcome = Paused
		return nil
	}
	if err := o.dedicated(); err != nil {
		return err
	}
	adoption := o.adoption(container, from)
	if len(adoption.applied) > 0 && !options.gone {
		return &LiveManagerError{Target: w.Target, Manager: adoption.applier, Ports: adoption.applied}
	}
	if o, err = a.carryOut(ctx, r, o, adoption); err != nil {
		return err
	}
	if len(adoption.remove) > 0 && a.dryRun {
		return nil // what would be given back was not stored
	}
	return a.giveBack(ctx, r, o, from)
}

// carryOut stores the transfer and the removal of copies, in one patch, and returns the
// workload after it.
func (a *Applier) carryOut(ctx context.Context, r *Result, o *Observed, s *adoption) (*Observed, error) {
	if len(s.take) == 0 && len(s.remove) == 0 && len(s.ofEmpty) == 0 {
		if r.Outcome != Applied { // else they were reported before another manager wrote in between
			r.Ports = s.ports
		}
		return o, nil
	}
	t := fieldmanager.Transfer{List: s.list.At, Leaves: s.list.Leaves(), From: s.from}
	taking := t
	taking.To = &fieldmanager.Recipient{Manager: a.us(), APIVersion: o.definition.APIVersion()}
	managed, moved, err := taking.Apply(o.ManagedFields, s.take...)
	if err != nil {
		return nil, err
	}
	if len(moved) > 0 {
		a.touch(managed, metav1.Now())
	}
	if managed, _, err = t.Apply(managed, s.drop...); err != nil {
		return nil, err
	}
	if managed, err = withoutEmpty(managed, s.list.At, s.ofEmpty); err != nil {
		return nil, err
	}
	w, err := a.patchManagedFields(ctx, o, managed, s.remove...)
	if err != nil {
		return nil, err
	}
	r.Outcome, r.After, r.ResourceVersion, r.Ports = Applied, w, w.ResourceVersion, s.ports
	after, err := a.Observe(w)
	if err != nil {
		return nil, err
	}
	after.reportAdopted(r)
	return after, nil
}

// touch sets the time of our entry, as the API server does when a manager gets
// further fields. With the time of the manager that had them, the entry would
// claim that we wrote the ports then.
func (a *Applier) touch(managed []metav1.ManagedFieldsEntry, now metav1.Time) {
	for i := range managed {
		if fieldmanager.ManagerOf(&managed[i]) == a.us() {
			managed[i].Time = &now
		}
	}
}

// reportAdopted gives the ports that were transferred the state that the next
// reconciliation finds them in.
func (o *Observed) reportAdopted(r *Result) {
	list := o.portsOf(r.Container)
	if list == nil {
		return
	}
	for i := range r.Ports {
		s := &r.Ports[i]
		if s.State != port.Owned {
			continue
		}
		p := list.FindName(s.Name)
		if p == nil {
			continue
		}
		if s.Owners = p.Owners; len(p.Others) == 0 {
			continue
		}
		others := fieldmanager.Join(p.Others)
		if s.State, s.Reason, s.Message = port.Shared, port.ReasonCoOwned, "also declared by "+others; !p.NamedByOwner() {
			s.State, s.Reason, s.Message = port.Shadowed, port.ReasonDeclaredByOwner, fmt.Sprintf("%s is declared by %s under another name, which the next reconcile gives back", list.List.Text(p.Key), others)
		}
	}
	r.Warnings = o.Writers.Adopted(r.Container, applied(r.Ports))
}

// allLeaves are all the fields of a port: what an Update of ours came to own of
// a static port is given back whole.
var allLeaves = []string{"containerPort", "hostIP", "hostPort", "name", "protocol"}

// giveBack returns the keys of static ports that our own name came to own, by an
// Update, when copies were removed, now or in a run that did not end: to the
// manager that declares the static port, or to none.
func (a *Applier) giveBack(ctx context.Context, r *Result, o *Observed, from []string) error {
	if o.Service != nil {
		return nil // two ports of a Service never have one key
	}
	list, updater := o.portsOf(r.Container), fieldmanager.Updater(a.manager)
	entry, _ := o.entries.Of(updater)
	t := fieldmanager.Transfer{List: list.List.At, Leaves: allLeaves, From: []fieldmanager.Manager{updater}}
	if owner, known := o.staticOwner(r.Container, from); known && r.transferred() {
		t.To = &fieldmanager.Recipient{Manager: owner, APIVersion: o.definition.APIVersion()}
	}
	var keys []fieldmanager.Key
	for _, item := range o.lists[o.indexOf(r.Container)].Items {
		if !isAdapters(item.Name) && entry.Fields.Has(list.List.At.Item(item.Key)) {
			keys = append(keys, item.Key)
		}
	}
	managed, moved, err := t.Apply(o.ManagedFields, keys...)
	if err != nil || len(moved) == 0 {
		return err
	}
	after, err := a.patchManagedFields(ctx, o, managed)
	if err != nil {
		return err
	}
	r.Outcome, r.After, r.ResourceVersion = Applied, after, after.ResourceVersion
	return nil
}

// transferred reports whether the adoption moved ports, in this try or in one that
// another manager wrote in between. A manager that had none but the duplicate is no
// operator of adapter ports: it may as well have added the static port.
func (r *Result) transferred() bool {
	return slices.ContainsFunc(r.Ports, func(p PortStatus) bool { return p.State != port.Removed && p.State != port.Blocked })
}
