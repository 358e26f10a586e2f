package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// maxCorrections bounds how often one reconciliation corrects itself on the server's
// answer. Each time another manager was faster; the next reconciliation does the rest.
const maxCorrections = 3

// Apply makes a workload's adapter ports match the desired ones.
//
// It does not require the workload as it has just read it, so that a manager which writes
// all the time delays nothing. What is written between the read and the write is refused
// or corrected by the server's answer, but for two things within those milliseconds: an
// unowned port that comes to a desired number gets our name, and a port of ours that is
// to be removed is removed although another manager has just renamed it.
//
// The result is complete in every case. The error is nil but for the outcomes
// ContainerNotFound (a [workload.ContainerError]) and Failed: a list or managedFields
// that cannot be read, a field manager that owns other fields (a
// [NotDedicatedError]; nothing was written), the API server's refusal (see
// [IsRefusal]), or a failure to ask it.
func (a *Applier) Apply(ctx context.Context, t workload.Target, desired Desired) (Result, error) {
	return a.reconcile(ctx, t, desired, nil)
}

// ApplyFrom carries out a plan. It begins with what the plan observed, such as from a
// watch, and saves the request for another read.
//
// The observation may be stale, and the workload may be [workload.Workload.Trimmed]. What
// is applied from it carries its resourceVersion, so that the server refuses it once the
// workload has changed, in whatever way; then ApplyFrom reads the workload, decides again
// and continues as [Applier.Apply]. So nothing is written because of an observation that
// is out of date: not onto an unowned port that came since, of which the server would
// see no conflict, and not in an order that was live once. ApplyFrom also reads the
// workload before it gives up a container, takes over what no manager owns, transfers a
// port, or fails with a [NotDedicatedError], and where the workload was trimmed for
// another field manager. A workload without a resourceVersion is not guarded so.
func (a *Applier) ApplyFrom(ctx context.Context, plan *Plan) (Result, error) {
	return a.reconcile(ctx, plan.Observed.Target, plan.Desired, plan)
}

// reconcile gets, decides and writes, and decides again on the server's answer, until
// that needs no correction. It begins with the plan that is given, if any.
//
//nolint:gocyclo,funlen // One loop that reads from top to bottom: get, decide, write.
func (a *Applier) reconcile(ctx context.Context, t workload.Target, desired Desired, given *Plan) (Result, error) {
	var (
		seen        record
		plan        = given
		sent        *Plan // what plan was decided on the answer to; nil before an apply
		refused     = refusals{}
		reread      bool // since the server refused something for no reason that is seen
		corrections int
	)
	end := func(outcome Outcome, err error) (Result, error) { return seen.result(t, desired, outcome, err) }
	for {
		// Get.
		if plan == nil {
			w, err := a.Get(ctx, t)
			if err != nil {
				seen.last, seen.after = nil, nil
				return end(a.notFoundOr(err, t))
			}
			o, err := a.Observe(w)
			if err != nil {
				return end(Failed, seen.cannotRead(w, err))
			}
			plan = o.decide(desired, refused)
		}
		seen.decided(plan)

		// Decide. An apply from the given plan requires the workload as it was read.
		o, guarded := plan.Observed, plan == given
		again := func() {
			if guarded {
				seen.first, given = nil, nil
			}
			plan = nil
		}
		switch {
		case !o.reads():
			again()
			continue
		case workload.IsContainerNotFound(plan.err):
			if guarded && o.givesUpVanished() {
				again()
				continue
			}
			return end(a.giveUpVanished(ctx, plan, &seen))
		case plan.err != nil:
			return end(Failed, plan.err)
		case o.Paused && sent == nil:
			return end(Paused, nil)
		case sent != nil && o.Paused:
			return end(seen.outcome(), nil)
		case a.dryRun && (len(seen.transferred) > 0 || sent != nil && sent.isStep()):
			// What was written was not stored, so the server cannot be asked for the rest.
			seen.foresee(plan)
			return end(seen.outcome(), nil)
		case sent != nil && plan.repeats(sent):
			return end(seen.outcome(), nil)
		case sent != nil:
			if corrections++; corrections > maxCorrections {
				return end(seen.outcome(), nil)
			}
		}
		if err := o.dedicated(); err != nil {
			if guarded {
				again()
				continue
			}
			return end(Failed, err)
		}
		switch {
		case len(plan.Items) == 0 && !a.HasClaim(o.Workload) && (len(refused) == 0 || reread):
			return end(seen.outcome(), nil)
		case len(plan.Items) == 0 && !a.HasClaim(o.Workload):
			reread = true // all that was to be applied was refused: see what is live instead
			again()
			continue
		case guarded && plan.needsWhole():
			again()
			continue
		}

		// Write. The answer is the next observation.
		next := a.nextWrite(plan, guarded && o.ResourceVersion != "")
		answer, err := next.write(ctx)
		if err != nil {
			sent = nil
			switch {
			case !IsRefusal(err) && !apierrors.IsNotFound(err):
				return end(a.notFoundOr(err, t))
			case guarded && apierrors.IsConflict(err):
				again() // the observation is out of date; the next one is our own, so this is once
			case !plan.table.TakeOver && refused.learn(refusedItems(err, plan.list.List, plan.table.Items)):
				plan = o.decide(desired, refused)
				if guarded {
					given = plan
				}
			case reread:
				return end(a.notFoundOr(o.explained(err, plan.Container), t))
			default:
				reread = true
				again()
			}
			continue
		}
		seen.transferred = append(seen.transferred, next.transfers...)
		if answer.ResourceVersion == o.ResourceVersion && !a.dryRun {
			return end(seen.outcome(), nil)
		}
		after, err := a.Observe(answer)
		if err != nil {
			return end(Failed, seen.cannotRead(answer, err))
		}
		seen.changed = seen.changed || o.changedTo(after)
		if sent = plan; next.isPart {
			sent = nil // only a part of the plan was written, by a patch
		}
		plan, given = after.decide(desired, refused), nil
	}
}

// repeats reports whether the plan applies what was sent, so that the apply was the last:
// not one that took over items that can be given up now, and no other manager was faster,
// so that an item which we put there is not ours to put, or one that we did not is.
func (p *Plan) repeats(sent *Plan) bool {
	sorted := func(items []port.Port) []port.Port {
		return slices.SortedFunc(slices.Values(items), port.Port.Compare)
	}
	return !sent.isStep() && !p.isStep() && slices.Equal(sorted(sent.Items), sorted(p.Items))
}

// isStep reports whether the plan is to be decided again after its apply.
func (p *Plan) isStep() bool { return p.table.TakeOver || p.table.Step }

// needsWhole reports whether the plan takes more than an apply of its items, and so the
// workload as the server has it: it gives up a whole container, where the server may have
// to be kept from pruning, it takes over what no manager owns, or it transfers what another
// manager renamed.
func (p *Plan) needsWhole() bool {
	return p.table.TakeOver || len(p.Items) == 0 || len(p.Observed.renamed(p.Container, p.table.Items)) > 0 ||
		slices.ContainsFunc(p.Observed.held(), func(name string) bool { return name != p.Container })
}

// step is one write of a plan.
type step struct {
	write func(context.Context) (*workload.Workload, error)
	// isPart reports that the write is a part of the plan that an apply cannot do.
	isPart bool
	// transfers are the ports that the write transfers.
	transfers []renamedPort
}

// nextWrite returns the write that the plan begins with. Where an apply would delete what
// another manager renamed, that is transferred first; where the server would prune what
// no manager owns along with the containers that are given up, a patch removes our claim
// on those first. With asRead, an apply requires the workload as it was read.
func (a *Applier) nextWrite(p *Plan, asRead bool) step {
	o, ports := p.Observed, map[string][]port.Port{p.Container: p.Items}
	if len(p.Items) == 0 {
		ports = nil
	}
	apply := func(ctx context.Context) (*workload.Workload, error) {
		return a.apply(ctx, o, p.Container, ports, asRead)
	}
	if p.table.TakeOver {
		o.ownElsewhere(p.Container, ports)
		return step{write: apply}
	}
	if renamed := o.renamed(p.Container, p.table.Items); len(renamed) > 0 {
		return step{isPart: true, transfers: renamed, write: func(ctx context.Context) (*workload.Workload, error) {
			return a.transfer(ctx, o, renamed)
		}}
	}
	if pruned := o.pruned(ports); len(pruned) > 0 {
		return step{isPart: true, write: func(ctx context.Context) (*workload.Workload, error) {
			return a.takeOut(ctx, o, pruned)
		}}
	}
	return step{write: apply}
}

// ownElsewhere adds our ports in other containers than the one named, as they are: an
// apply that does not name them would give them up.
func (o *Observed) ownElsewhere(container string, ports map[string][]port.Port) {
	for i, c := range o.Containers {
		if c.Name == container {
			continue
		}
		for _, item := range o.ports[i].Own() {
			ports[c.Name] = append(ports[c.Name], o.ports[i].List.Port(item))
		}
	}
}

// giveUpVanished removes our claim on containers that are gone: their owner would
// meet conflicts with us when they come back. What we own of other containers stays,
// since which one is meant is not known.
func (a *Applier) giveUpVanished(ctx context.Context, p *Plan, seen *record) (Outcome, error) {
	o := p.Observed
	if !o.givesUpVanished() {
		return ContainerNotFound, p.err
	}
	if err := o.dedicated(); err != nil {
		return Failed, err
	}
	answer, err := a.takeOut(ctx, o, o.vanished())
	if err != nil {
		return ContainerNotFound, fmt.Errorf("%w; giving up the ports of the container that is gone: %w", p.err, err)
	}
	seen.after = answer
	return ContainerNotFound, p.err
}
