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
		result.Ports = slices.Concat(p.ports, p.removed())
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
		case len(intent.Emit) == 0 && !p.holds(p.now):
			return p.outcome(), nil
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
	answer, err := p.apply(ctx, configuration{workload: p.now, container: c.Name, ports: intent.Emit})
	if err != nil {
		p.sent = nil
		return false, p.refusedBy(ctx, err, c, intent)
	}
	if answer.ResourceVersion == p.now.ResourceVersion && !p.dryRun {
		return true, nil
	}
	changed, err := p.changed(p.now, answer)
	p.changedAny = p.changedAny || changed
	p.now, p.sent = answer, &intent
	return false, err
}

// refusedBy makes what it can of an apply that failed; its error is the
// apply's where that is nothing.
func (p *pass) refusedBy(ctx context.Context, err error, c *Container, intent Intent) error {
	switch {
	case !IsRefusal(err) && !apierrors.IsNotFound(err):
		return err
	case p.learn(refusedPorts(err, c.Name, intent.Emit)):
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
// somebody was faster and a port that we put there is not ours to put. What the
// next intent would add is left to the next pass.
func (p *pass) stands(next Intent) bool {
	if p.sent.TakeOver && p.dryRun {
		p.now = foresee(p.now, p.container, next.Emit, p.us())
		for i := range p.ports {
			if s := &p.ports[i]; s.State == Owned {
				s.Owners = []fieldmanager.Manager{p.us()}
			}
		}
		return true
	}
	kept := map[portKey]bool{}
	for _, port := range next.Emit {
		kept[portKey{port.Number, port.Protocol}] = true
	}
	letGo := slices.ContainsFunc(p.sent.Emit, func(port Port) bool { return !kept[portKey{port.Number, port.Protocol}] })
	if p.sent.TakeOver || letGo {
		p.corrections++
		return p.corrections > maxCorrections
	}
	return true
}

// giveUpVanished lets go of an entry of ours that names containers of which
// none is there any more: their owner would meet conflicts with it when they
// come back.
func (p *pass) giveUpVanished(ctx context.Context, notFound error) error {
	if p.now.Paused || !p.holds(p.now) {
		return notFound
	}
	entries, err := fieldmanager.Decode(p.entries(p.now))
	if err != nil {
		return err
	}
	containers := fieldmanager.ListAt("spec", "template", "spec", "containers")
	owners := entries.In(containers)
	for _, c := range p.now.Containers {
		if len(owners.Of(fieldmanager.KeyOf("name", c.Name)).Item) > 0 {
			return notFound
		}
	}
	answer, err := p.apply(ctx, configuration{workload: p.now})
	if err != nil {
		return fmt.Errorf("%w; giving up the ports of the container that is gone: %w", notFound, err)
	}
	p.now, p.changedAny = answer, true
	return notFound
}
