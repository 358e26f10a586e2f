package apply

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// UpToDate tells what [Applier.ApplyFrom] would come to where that is known
// without a request, because the server has already accepted what the pass
// would apply. It is pure.
//
// managedFields are the API server's own record of the last apply that it
// accepted from us. Where our one entry holds exactly the fields that the pass
// would apply, and each is live as applied, the same apply again is one of
// which the server sees no change: neither resourceVersion nor generation moves
// and no event is sent. So the record is the memory of its verdict, kept where
// it survives our restarts, and not a comparison of objects of ours. Where there
// is nothing to apply and no entry of ours, nothing would be sent either.
//
// With true, the result is the pass' result and the error the pass' error:
// Unchanged, Paused, or ContainerNotFound with its [ContainerError] where
// nothing is to be given up. With false, the pass has something to ask the
// server, and the result has neither outcome nor ports, but the intent; or the
// outcome is Failed, and the error a list or managedFields that cannot be read, or a
// [NotDedicatedError].
func (a *Applier) UpToDate(look *workload.Workload, want Desired) (Result, bool, error) {
	p := a.passOn(look, want)
	outcome, stands, err := p.standing()
	if !stands && err == nil {
		return Result{
			Target: p.target, Container: cmp.Or(p.container, want.Container), ResourceVersion: look.ResourceVersion, Before: look, After: look, Plan: p.decided,
		}, false, nil
	}
	result := p.result(outcome)
	result.UpToDate = stands && outcome == Unchanged
	return result, stands, err
}

func (p *pass) standing() (Outcome, bool, error) {
	if err := p.begin(); err != nil {
		return Failed, false, err
	}
	if p.again {
		return "", false, nil
	}
	c, err := p.now.Container(p.want.Container)
	if err != nil {
		if !p.givesUpVanished() {
			return ContainerNotFound, true, err
		}
		return p.notDedicated()
	}
	intent, err := decide(p.now, c, p.want, p.manager, nil)
	if err != nil {
		return Failed, false, err
	}
	p.container, p.decided = c.Name, &intent
	if p.now.Paused {
		return Paused, true, nil
	}
	if stands, err := p.accepted(p.now, c, intent); stands || err != nil {
		return Unchanged, stands, err
	}
	return p.notDedicated()
}

// notDedicated reports that the pass would fail with a [NotDedicatedError], or
// else that it has something to ask the server.
func (p *pass) notDedicated() (Outcome, bool, error) {
	err := p.dedicated(p.now)
	return Failed, false, err
}

// endStands tells whether what the pass ends with stands: for all that is wanted,
// also what the server refused on the way.
func (p *pass) endStands() bool {
	if p.now.Paused {
		return true
	}
	c, err := p.now.Container(p.want.Container)
	if err != nil {
		return false
	}
	intent := *p.decided
	if len(p.refused) > 0 {
		if intent, err = decide(p.now, c, p.want, p.manager, nil); err != nil {
			return false
		}
	}
	accepted, err := p.accepted(p.now, c, intent)
	return err == nil && accepted
}

// accepted tells whether our entry records the intent, and nothing else, and
// the container has it. No entry of ours records one that takes over, since that
// names what nobody owns.
func (a *Applier) accepted(w *workload.Workload, c *workload.Container, intent Plan) (bool, error) {
	ours := a.entries(w)
	switch {
	case len(intent.Items) == 0:
		return len(ours) == 0, nil
	case len(ours) != 1 || ours[0].APIVersion != APIVersion || !live(c, intent.Items):
		return false, nil
	}
	entries, err := a.own(w)
	if err != nil {
		return false, err
	}
	return entries[0].Fields.Equals(claim(c.Name, intent.Items)), nil
}

// claim are the fields that an apply of the ports comes to own.
func claim(container string, ports []port.Port) *fieldpath.Set {
	var named, unnamed []fieldmanager.Key
	for _, p := range ports {
		key := portKey{p.Number, p.Protocol}.fields()
		if p.Name == "" {
			unnamed = append(unnamed, key)
		} else {
			named = append(named, key)
		}
	}
	list := portsOf(container)
	return list.Claim(portLeaves, named...).Union(list.Claim(keyLeaves, unnamed...))
}

// live tells that the container has the ports, with the names that they are
// given. The record is of fields and not of their values: a port keeps a name
// of ours until we apply another.
func live(c *workload.Container, ports []port.Port) bool {
	return !slices.ContainsFunc(ports, func(p port.Port) bool {
		return !slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool {
			return q.ContainerPort == p.Number && q.Protocol == p.Protocol && (p.Name == "" || q.Name == p.Name)
		})
	})
}
