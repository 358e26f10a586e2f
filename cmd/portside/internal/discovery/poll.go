package discovery

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"

	"github.com/portside-dev/portside/apply"
)

// prepareTimeout bounds the requests that find out what to ask, so that an API
// server that does not answer is reported. The first list of all pods is part of
// it.
const prepareTimeout = time.Minute

// target is a target that is polled. While it waits for its next poll it has
// neither a goroutine nor a timer nor a context. The poller's lock guards it.
type target struct {
	workload Workload
	source   Source
	answer   Answer
	// last is what the next poll is merged with: the active adapters, or those
	// in place before the first good answer.
	last []apply.Adapter
	due  time.Time // when the next poll begins
	// cancel ends the poll under way; nil if there is none.
	cancel context.CancelFunc
	// again has another poll follow the one under way.
	again bool
	// outdated reports whether the workload has not been steady since the
	// latest poll began.
	outdated bool
	// steady reports whether the latest poll found the workload steady.
	steady bool
	// refusals is how many polls in a row were refused with Unauthorized.
	refusals int
	ended    bool // no longer polled
}

// poll is a poll under way. It holds a place only while it sends requests.
type poll struct {
	*Poller
	target   *target
	workload Workload
	source   Source
	ctx      context.Context
	began    time.Time
}

// prepare finds out what to ask, and has it asked.
func (p *poll) prepare() {
	p.mu.Lock()
	p.target.outdated = false
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.ctx, prepareTimeout)
	questions, readiness, err := p.source.Questions(ctx, p.workload)
	cancel()
	if err != nil {
		p.finish(func(t *target) Answer { return t.failed(p.ctx, err) })
		return
	}
	p.places.ask(p.ctx, p.workload.Target.Namespace, questions, func(r Result) {
		r.Readiness = readiness
		p.finish(func(t *target) Answer { return t.merged(p.ctx, r) })
	})
}

// finish keeps the answer of the poll, reports it, and schedules the next poll. A
// poll that was canceled has no answer.
func (p *poll) finish(answerOf func(*target) Answer) {
	if before, after, ok := p.keep(answerOf); ok {
		p.report(before, after)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target.cancel()
	p.target.cancel = nil
	switch {
	case p.target.ended:
		p.release(p.target)
	case p.running.Err() == nil:
		p.scheduleNext(p.target)
	}
}

// keep keeps the answer of the poll, and returns the one before and the one kept.
func (p *poll) keep(answerOf func(*target) Answer) (before, after Answer, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return before, after, false
	}
	before = p.target.answer
	p.target.keep(answerOf(p.target))
	return before, p.target.answer, true
}

// report logs a changed answer, and tells the users of the poller.
func (p *poll) report(before, after Answer) {
	if !before.equal(after) {
		logChange(logr.FromContextOrDiscard(p.ctx), before, after)
		p.options.Changed(p.workload.Target)
	}
	p.options.Observe(p.workload.Target, after.Reason, p.options.Clock.Since(p.began))
}

// failed returns the answer of a poll that had nothing to ask.
func (t *target) failed(ctx context.Context, err error) Answer {
	if _, ok := errors.AsType[*Error](err); !ok {
		logr.FromContextOrDiscard(ctx).Info("cannot poll the source", "error", err.Error())
	}
	failure := errorOf(err)
	return Answer{Active: t.answer.Active, Condition: Condition{Reason: failure.Reason, Message: failure.Text()}}
}

// merged returns the answer of a poll with this result.
func (t *target) merged(ctx context.Context, r Result) Answer {
	log := logr.FromContextOrDiscard(ctx)
	for _, failure := range r.Failures {
		log.V(2).Info("a pod did not answer", "pod", failure.Pod, "reason", failure.Reason, "message", failure.Text())
	}
	m := Merge(t.last, r)
	answer := Answer{Active: m.Active, Complete: r.Complete() && !m.TooMany, Disagreed: m.Disagreed, Condition: m.Condition(r, !t.steady)}
	if len(r.Answers) == 0 && t.answer.Active == nil {
		answer.Active = nil // the ports in place are not an answer
	}
	problem, _ := r.Problem()
	t.steady = problem == ""
	return answer
}

// keep keeps the answer of the latest poll.
func (t *target) keep(a Answer) {
	a.Complete = a.Complete && !t.outdated
	a.Requested = t.again // by a poll that follows this one
	if a.Reason.NeedsAction() {
		a.Failures = min(t.answer.Failures+1, MaxFailures)
	}
	a.Stalled = a.Failures == MaxFailures
	if a.Active != nil {
		t.last = a.Active
	}
	if t.refusals++; a.Reason != Unauthorized {
		t.refusals = 0
	}
	t.answer = a
}

// logChange logs when discovery begins to fail, fails for another reason, and
// recovers.
func logChange(log logr.Logger, before, after Answer) {
	switch {
	case !after.Met && after.Reason != before.Reason:
		log.Info("discovery failed", "reason", after.Reason, "message", after.Message)
	case after.Met && !before.Met && before.Reason != "":
		log.Info("discovery recovered", "active", len(after.Active))
	case after.Met:
		log.V(1).Info("discovery answered", "active", len(after.Active))
	}
}
