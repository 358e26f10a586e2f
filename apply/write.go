package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// send applies the intent and makes the server's answer the next look. Where
// the server refuses there is something new to decide on: ports that it named,
// or another look. It reports whether the server saw no change at all, so that
// there is nothing new to decide on.
func (p *pass) send(ctx context.Context, c *workload.Container, intent Plan) (done bool, err error) {
	taken, answer, err := p.write(ctx, c, intent)
	if err != nil {
		p.sent = nil
		return false, p.refusedBy(err, c, intent)
	}
	if answer.ResourceVersion == p.now.ResourceVersion && !p.dryRun {
		return true, nil
	}
	changed, err := p.changed(p.now, answer)
	p.changedAny, p.given = p.changedAny || changed, false
	if p.now, p.sent = answer, &intent; taken {
		p.sent = nil // only a part of it, and not by an apply
	}
	return false, err
}

// write applies the intent. Where that would delete what another manager named,
// it is handed over first; where the server would prune what is nobody's along
// with the containers that it lets go, we take ourselves out of those first.
func (p *pass) write(ctx context.Context, c *workload.Container, intent Plan) (taken bool, answer *workload.Workload, err error) {
	says := configuration{workload: p.now, container: c.Name, ports: intent.Items, asRead: p.given && p.now.ResourceVersion != ""}
	if intent.TakeOver {
		if says.also, err = p.elsewhere(p.now, c.Name); err != nil {
			return false, nil, err
		}
		answer, err = p.apply(ctx, says)
		return false, answer, err
	}
	named, err := p.named(p.now, c.Name, intent.Items)
	if err != nil {
		return false, nil, err
	}
	if len(named) > 0 {
		if answer, err = p.handOver(ctx, p.now, named); err == nil {
			p.handed = append(p.handed, named...)
		}
		return true, answer, err
	}
	keep := c.Name
	if len(intent.Items) == 0 {
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
func (p *pass) refusedBy(err error, c *workload.Container, intent Plan) error {
	switch {
	case !IsRefusal(err) && !apierrors.IsNotFound(err):
		return err
	case p.given && apierrors.IsConflict(err):
		// The look is out of date: whoever owns what we took for free, or ours,
		// was not there. The next look is the pass' own, so this is once.
		p.again = true
		return nil
	case !intent.TakeOver && p.learn(refusedPorts(err, c.Name, intent.Items)):
		return nil
	case p.lookedAgain:
		return p.explained(err, p.now, c)
	}
	p.lookedAgain, p.again = true, true
	return nil
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
