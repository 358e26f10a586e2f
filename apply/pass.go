package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/fieldmanager"
)

// maxCorrections bounds how often one pass corrects itself on the server's
// answer. Each time somebody was faster; what is left is the next pass's.
const maxCorrections = 3

// Pass makes a workload's adapter ports match the adapters that are wanted.
//
// The result is whole in every case. The error is nil but for the outcomes
// ContainerNotFound (a [ContainerError]) and Failed: a list or managedFields
// that cannot be read, the API server's refusal (see [IsRefusal]), or a
// failure to ask it.
func (a *Applier) Pass(ctx context.Context, t Target, want Wanted) (Result, error) {
	p := &pass{Applier: a, target: t, want: want, refused: refusals{}}
	outcome, err := p.run(ctx)
	result := Result{Target: t, Container: p.container, Outcome: outcome, Before: p.first, After: p.now}
	switch outcome {
	case TargetNotFound, ContainerNotFound:
	case Paused:
		result.Ports = p.unwritten("the annotation " + PausedAnnotation + " stops every write to the workload")
	case Failed:
		result.Ports = p.unwritten("it was not written, because the pass failed")
	default:
		result.Ports = slices.Concat(p.unwritten("somebody else changed the workload meanwhile; the next pass decides anew"), p.removed())
	}
	if p.now != nil {
		result.ResourceVersion = p.now.ResourceVersion
	}
	return result, err
}

// pass is one pass under way.
type pass struct {
	*Applier
	target Target
	want   Wanted

	first, now  *Workload
	was         []containerPort // ours at the first look
	container   string
	ports       []PortStatus
	sent        *Intent // what now is the server's answer to
	corrections int
	refused     refusals
	lookedAgain bool
	changedAny  bool
	foreseen    bool // now was worked out, not answered
}

// run decides on the last look and applies, until the look is the answer to an
// apply that needs no correction.
func (p *pass) run(ctx context.Context) (Outcome, error) {
	if err := p.look(ctx); err != nil {
		return notFoundOr(err, p.target)
	}
	for {
		c, err := p.now.Container(p.target.Container)
		if err != nil {
			return ContainerNotFound, p.giveUpVanished(ctx, err)
		}
		intent, err := decide(p.now, c, p.want, p.manager, p.refused)
		if err != nil {
			return Failed, err
		}
		p.container, p.ports = c.Name, intent.Ports
		switch {
		case p.now.Paused && p.sent == nil:
			return Paused, nil
		case p.sent != nil && (p.now.Paused || p.stands(intent)):
			return p.outcome(), nil
		case len(intent.Emit) == 0 && !p.holds(p.now) && (len(p.refused) == 0 || p.lookedAgain):
			return p.outcome(), nil
		case len(intent.Emit) == 0 && !p.holds(p.now):
			// All that was to be said was refused: see what is there instead.
			p.lookedAgain = true
			if err := p.look(ctx); err != nil {
				return notFoundOr(err, p.target)
			}
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

// look reads the target.
func (p *pass) look(ctx context.Context) (err error) {
	p.now, err = p.Look(ctx, p.target)
	if err != nil {
		p.now = nil
		return err
	}
	if p.first == nil {
		p.first = p.now
		p.was, err = p.ownPorts(p.now)
	}
	return err
}

// send applies the intent and makes the server's answer the next look. Where
// the server refuses there is something new to decide on: ports that it named,
// or another look. It reports whether the server saw no change at all, so that
// there is nothing new to decide on.
func (p *pass) send(ctx context.Context, c *Container, intent Intent) (done bool, err error) {
	taken, answer, err := p.write(ctx, c, intent)
	if err != nil {
		p.sent = nil
		return false, p.refusedBy(ctx, err, c, intent)
	}
	if answer.ResourceVersion == p.now.ResourceVersion && !p.dryRun {
		return true, nil
	}
	changed, err := p.changed(p.now, answer)
	p.changedAny = p.changedAny || changed
	if p.now, p.sent = answer, &intent; taken {
		p.sent = nil // only a part of it, and not by an apply
	}
	return false, err
}

// write applies the intent. Where the server would prune what is nobody's along
// with the containers that it lets go, we take ourselves out of those first.
func (p *pass) write(ctx context.Context, c *Container, intent Intent) (taken bool, answer *Workload, err error) {
	says := configuration{workload: p.now, container: c.Name, ports: intent.Emit}
	if intent.TakeOver {
		if says.also, err = p.elsewhere(p.now, c.Name); err != nil {
			return false, nil, err
		}
		answer, err = p.apply(ctx, says)
		return false, answer, err
	}
	keep := c.Name
	if len(intent.Emit) == 0 {
		keep = ""
	}
	pruned, err := p.pruned(p.now, keep)
	if err != nil {
		return false, nil, err
	}
	if len(pruned) > 0 {
		answer, err = p.takeOut(ctx, p.now, pruned)
		return true, answer, err
	}
	answer, err = p.apply(ctx, says)
	return false, answer, err
}

// refusedBy makes what it can of an apply that failed; its error is the
// apply's where that is nothing.
func (p *pass) refusedBy(ctx context.Context, err error, c *Container, intent Intent) error {
	switch {
	case !IsRefusal(err) && !apierrors.IsNotFound(err):
		return err
	case !intent.TakeOver && p.learn(refusedPorts(err, c.Name, intent.Emit)):
		return nil
	case p.lookedAgain:
		return err
	}
	p.lookedAgain = true
	return p.look(ctx)
}

// learn notes refused ports and reports whether one of them is news.
func (p *pass) learn(refused refusals) bool {
	news := false
	for key, why := range refused {
		if _, known := p.refused[key]; !known {
			p.refused[key], news = why, true
		}
	}
	return news
}

// stands tells whether the last apply stands, now that its answer led to the
// next intent. It does not when it took over ports that can go now, or when
// somebody was faster: a port that we put there is not ours to put, or one that
// we did not put there is.
func (p *pass) stands(next Intent) bool {
	if p.sent.TakeOver && p.dryRun {
		p.now = foresee(p.now, p.container, next.Emit, p.us())
		p.foreseen = true
		for i := range p.ports {
			if s := &p.ports[i]; s.State == Owned {
				s.Owners = []fieldmanager.Manager{p.us()}
			}
		}
		return true
	}
	said, says := slices.SortedFunc(slices.Values(p.sent.Emit), Port.compare), slices.SortedFunc(slices.Values(next.Emit), Port.compare)
	if !p.sent.TakeOver && !next.TakeOver && slices.Equal(said, says) {
		return true
	}
	p.corrections++
	return p.corrections > maxCorrections
}

// giveUpVanished takes us out of containers that are not there any more: their
// owner would meet conflicts with us when they come back. What we own of
// containers that are there stays, since which one is meant is not known.
func (p *pass) giveUpVanished(ctx context.Context, notFound error) error {
	if p.now.Paused {
		return notFound
	}
	held, err := p.held(p.now)
	if err != nil {
		return err
	}
	vanished := slices.DeleteFunc(held, func(name string) bool {
		return slices.ContainsFunc(p.now.Containers, func(c Container) bool { return c.Name == name })
	})
	if len(vanished) == 0 {
		return notFound
	}
	answer, err := p.takeOut(ctx, p.now, vanished)
	if err != nil {
		return fmt.Errorf("%w; giving up the ports of the container that is gone: %w", notFound, err)
	}
	p.now, p.changedAny = answer, true
	return notFound
}
