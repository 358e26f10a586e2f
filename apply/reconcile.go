package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// maxCorrections bounds how often one pass corrects itself on the server's
// answer. Each time somebody was faster; what is left is the next pass's.
const maxCorrections = 3

// Apply makes a workload's adapter ports match the adapters that are wanted.
//
// It does not insist on the workload as it has just read it, so that who writes
// all the time holds up nothing. What comes between the read and the write is
// refused or corrected by the server's answer, but for two things within those
// milliseconds: nobody's port that comes to a wanted number gets our name, and a
// port of ours that is to go goes although somebody has just named it.
//
// The result is whole in every case. The error is nil but for the outcomes
// ContainerNotFound (a [ContainerError]) and Failed: a list or managedFields
// that cannot be read, a field manager that owns other fields (a
// [NotDedicatedError]; nothing was written), the API server's refusal (see
// [IsRefusal]), or a failure to ask it.
func (a *Applier) Apply(ctx context.Context, t workload.Target, want Desired) (Result, error) {
	p := &pass{Applier: a, target: t, want: want, refused: refusals{}}
	return p.make(ctx)
}

// ApplyFrom is the pass that begins with a look that one already has, such as from
// a watch, and saves the request for another.
//
// The look may be stale, and it may be [Workload.Trimmed]. What is applied from
// it carries its resourceVersion, so that the server refuses it once the workload
// has changed, in whatever way; then the pass reads the workload and goes on as
// [Applier.Apply]. So nothing is written on the strength of a look that is out of
// date: not onto a port that nobody owns and that came since, of which the server
// would see no conflict, and not in an order that was live once. The pass also
// reads the workload before it lets go of a container, takes over what nobody
// owns, hands over a port, or fails with a [NotDedicatedError], and where the look
// was reduced for another field manager. A look without a resourceVersion is not guarded so.
func (a *Applier) ApplyFrom(ctx context.Context, look *workload.Workload, want Desired) (Result, error) {
	return a.passOn(look, want).make(ctx)
}

// passOn is a pass that has not begun.
func (a *Applier) passOn(look *workload.Workload, want Desired) *pass {
	return &pass{Applier: a, target: look.target(), want: want, refused: refusals{}, now: look, given: true, again: !a.reads(look)}
}

// make makes the pass.
func (p *pass) make(ctx context.Context) (Result, error) {
	outcome, err := p.run(ctx)
	result := p.result(outcome)
	result.UpToDate = err == nil && (outcome == Applied || outcome == Unchanged) && p.endStands()
	return result, err
}

// result tells what the pass came to.
func (p *pass) result(outcome Outcome) Result {
	result := Result{Target: p.target, Container: cmp.Or(p.container, p.want.Container), Outcome: outcome, Before: p.first, After: p.now, Plan: p.decided}
	switch outcome {
	case TargetNotFound, ContainerNotFound:
	case Paused:
		result.Ports = p.unwritten(port.ReasonPaused, "the annotation "+workload.PausedAnnotation+" stops every write to the workload")
	case Failed:
		result.Ports = p.unwritten(port.ReasonNotApplied, "it was not written, because the pass failed")
	default:
		result.Ports = slices.Concat(p.unwritten(port.ReasonNotApplied, "another manager changed the workload meanwhile; the next pass decides again"), p.removed(), p.released())
	}
	if p.now != nil {
		result.Warnings = p.Warnings(p.now, p.container, result.Ports)
		result.ResourceVersion = p.now.ResourceVersion
	}
	return result
}

// pass is one pass under way.
type pass struct {
	*Applier
	target workload.Target
	want   Desired

	first, now  *workload.Workload
	given       bool            // now is the look that the pass was given; an apply insists on it
	again       bool            // it is to be looked again before the next decision
	was         []containerPort // ours at the first look
	container   string
	decided     *Plan // last; nil before the first decision
	sent        *Plan // what now is the server's answer to
	corrections int
	refused     refusals
	lookedAgain bool
	changedAny  bool
	handed      []namedPort // to those who named them
	foreseen    bool        // now was worked out, not answered
}

// run decides on the last look and applies, until the look is the answer to an
// apply that needs no correction.
func (p *pass) run(ctx context.Context) (Outcome, error) {
	for {
		if err := p.look(ctx); err != nil {
			return notFoundOr(err, p.target)
		}
		c, err := p.now.Container(p.want.Container)
		if err != nil {
			if p.again = p.given && p.givesUpVanished(); p.again {
				continue
			}
			return p.giveUpVanished(ctx, err)
		}
		intent, err := decide(p.now, c, p.want, p.manager, p.refused)
		if err != nil {
			return Failed, err
		}
		p.container, p.decided = c.Name, &intent
		if outcome, settled := p.settled(intent); settled {
			return outcome, nil
		}
		if err := p.dedicated(p.now); err != nil {
			if p.again = p.given; p.again {
				continue
			}
			return Failed, err
		}
		switch {
		case len(intent.Items) == 0 && !p.HasClaim(p.now):
			if len(p.refused) == 0 || p.lookedAgain {
				return p.outcome(), nil
			}
			// All that was to be said was refused: see what is there instead.
			p.lookedAgain, p.again = true, true
			continue
		case p.given && p.letsGo(c, intent):
			p.again = true
			continue
		}
		done, err := p.send(ctx, c, intent)
		if err != nil {
			return notFoundOr(err, p.target)
		}
		if done {
			return p.outcome(), nil
		}
	}
}

// settled tells that nothing is left to be sent, and what the pass came to.
func (p *pass) settled(next Plan) (Outcome, bool) {
	switch {
	case p.now.Paused && p.sent == nil:
		return Paused, true
	case p.sent != nil && (p.now.Paused || p.stands(next)):
		return p.outcome(), true
	case p.dryRun && len(p.handed) > 0: // which was not stored, so the server cannot be asked
		p.foresee(next)
		return p.outcome(), true
	}
	return "", false
}

// look reads the target where there is no look yet, or where it has to be read
// again. What the pass was given is then of no more use.
func (p *pass) look(ctx context.Context) (err error) {
	if p.now != nil && !p.again {
		if p.first == nil {
			return p.begin()
		}
		return nil
	}
	first := p.first == nil || p.given
	p.given, p.again = false, false
	p.now, err = p.Get(ctx, p.target)
	if err != nil {
		p.now = nil
		return err
	}
	if first {
		return p.begin()
	}
	return nil
}

// begin makes the look the first.
func (p *pass) begin() (err error) {
	p.first = p.now
	p.was, err = p.ownPorts(p.now)
	return err
}

// letsGo tells that an intent takes more than one apply: it lets go of a whole
// container, where the server may have to be kept from pruning, it takes over
// what nobody owns, or it hands over what another manager named.
func (p *pass) letsGo(c *workload.Container, intent Plan) bool {
	held, err := p.held(p.now)
	named, problem := p.named(p.now, c.Name, intent.Items)
	return err != nil || problem != nil || intent.TakeOver || len(intent.Items) == 0 || len(named) > 0 ||
		slices.ContainsFunc(held, func(name string) bool { return name != c.Name })
}

// stands tells whether the last apply stands, now that its answer led to the
// next intent. It does not when it took over ports that can go now, or when
// somebody was faster: a port that we put there is not ours to put, or one that
// we did not put there is.
func (p *pass) stands(next Plan) bool {
	if p.sent.TakeOver && p.dryRun {
		p.foresee(next)
		return true
	}
	said, says := slices.SortedFunc(slices.Values(p.sent.Items), port.Port.compare), slices.SortedFunc(slices.Values(next.Items), port.Port.compare)
	if !p.sent.TakeOver && !next.TakeOver && slices.Equal(said, says) {
		return true
	}
	p.corrections++
	return p.corrections > maxCorrections
}

// giveUpVanished takes us out of containers that are not there any more: their
// owner would meet conflicts with us when they come back. What we own of
// containers that are there stays, since which one is meant is not known.
func (p *pass) giveUpVanished(ctx context.Context, notFound error) (Outcome, error) {
	vanished, err := p.vanished()
	if err != nil {
		return ContainerNotFound, err
	}
	if !p.givesUpVanished() {
		return ContainerNotFound, notFound
	}
	if err := p.dedicated(p.now); err != nil {
		return Failed, err
	}
	answer, err := p.takeOut(ctx, p.now, vanished)
	if err != nil {
		return ContainerNotFound, fmt.Errorf("%w; giving up the ports of the container that is gone: %w", notFound, err)
	}
	p.now, p.changedAny = answer, true
	return ContainerNotFound, notFound
}

// vanished are the containers that our entry names and that are gone.
func (p *pass) vanished() ([]string, error) {
	held, err := p.held(p.now)
	return slices.DeleteFunc(held, func(name string) bool {
		return slices.ContainsFunc(p.now.Containers, func(c workload.Container) bool { return c.Name == name })
	}), err
}

func (p *pass) givesUpVanished() bool {
	vanished, err := p.vanished()
	return !p.now.Paused && (err != nil || len(vanished) > 0)
}
