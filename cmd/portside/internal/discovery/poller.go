package discovery

import (
	"context"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

// maxRefusals bounds how much less often a target that refuses our credentials is
// polled: the interval doubles with each refusal, at most so many times.
const maxRefusals = 4

// jitter is how much longer than the interval the time between two polls may be,
// as a fraction of it, so that targets do not stay in step.
const jitter = 0.1

// Options are what a [Poller] works with.
type Options struct {
	Clock clock.WithTicker
	// Changed is called when the answer of a target has changed.
	Changed func(target workload.Target)
	// Observe is called after each poll.
	Observe func(target workload.Target, reason Reason, took time.Duration)
}

// Query is what a reconcile of a target asks.
type Query struct {
	Workload
	Source Source
	// InPlace returns the adapters whose ports the workload declares, in the
	// order of status. Until the first good answer, polls are merged with it.
	InPlace func() []apply.Adapter
	// Steady reports whether the workload is steady now. While it is not, the
	// pods that gave the latest answer may be replaced, so the answer is not
	// complete, nor is that of a poll under way.
	Steady bool
}

// Poller polls the sources of targets and keeps their latest answers. It is safe
// for concurrent use.
type Poller struct {
	options Options
	places  *places

	mu      sync.Mutex
	targets map[workload.Target]*target
	// running and queue are nil before Start. The queue has the targets, each at
	// the time of its next poll or earlier; see target.due.
	running context.Context
	queue   workqueue.TypedDelayingInterface[*target]
}

// NewPoller returns a poller that polls from [Poller.Start] on.
func NewPoller(o Options) *Poller {
	return &Poller{options: o, places: newPlaces(), targets: map[workload.Target]*target{}}
}

// Start polls until ctx ends, and then waits for the polls under way. It
// implements controller-runtime's Runnable, and needs leader election.
func (p *Poller) Start(ctx context.Context) error {
	queue := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[*target]{Clock: p.options.Clock})
	stop := context.AfterFunc(ctx, queue.ShutDown)
	defer stop()
	p.mu.Lock()
	p.running, p.queue = ctx, queue
	for _, t := range p.targets {
		p.scheduleFirst(t)
	}
	p.mu.Unlock()
	for {
		t, ended := queue.Get()
		if ended {
			break
		}
		p.begin(t)
		queue.Done(t)
	}
	p.places.wait()
	return nil
}

// Answer returns the latest answer of a target's source, false if there is none
// yet, and has the source polled from now on. Another workload, by its UID, or
// another source begins again; another source of the same workload keeps the
// active adapters.
func (p *Poller) Answer(ctx context.Context, q Query) (Answer, bool) {
	if q.Source.Interval() == 0 {
		p.Forget(q.Target)
		return answerNow(ctx, q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t, known := p.targets[q.Target]
	if !known || t.workload != q.Workload || t.source != q.Source {
		t = p.replace(t, q)
	}
	if !q.Steady {
		t.outdated, t.answer.Complete = true, false
	}
	return t.answer, t.answer.Reason != ""
}

// answerNow asks a source that is not polled.
func answerNow(ctx context.Context, q Query) (Answer, bool) {
	questions, _, err := q.Source.Questions(ctx, q.Workload)
	answer := Answer{Active: []apply.Adapter{}, Complete: true}
	for _, question := range questions {
		var active []apply.Adapter
		if err == nil {
			active, err = question.Ask(ctx)
		}
		answer.Active = append(answer.Active, active...)
	}
	if err != nil {
		failure := errorOf(err)
		return Answer{Condition: Condition{Reason: failure.Reason, Message: failure.Text()}}, true
	}
	return answer, true
}

// replace has the target of a query polled in place of what was polled before, if
// anything was.
func (p *Poller) replace(before *target, q Query) *target {
	t := &target{workload: q.Workload, source: q.Source}
	if before != nil && before.workload.UID == q.UID {
		t.answer, t.last = before.answer, before.answer.Active
		t.answer.Complete, t.answer.Failures, t.answer.Stalled = false, 0, false
	}
	if t.last == nil {
		t.last = q.InPlace()
	}
	p.targets[q.Target] = t
	if before != nil {
		p.end(before)
	}
	if p.queue != nil {
		p.scheduleFirst(t)
	}
	return t
}

// Forget stops polling a target. What is kept of it is dropped once the poll
// under way has ended.
func (p *Poller) Forget(t workload.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.targets[t]; ok {
		delete(p.targets, t)
		p.end(known)
	}
}

// end stops polling a target that is no longer in p.targets. The queue has it
// until its time comes, so the data of it goes now.
func (p *Poller) end(t *target) {
	t.ended = true
	if t.cancel != nil {
		t.cancel() // its poll calls release
		return
	}
	p.release(t)
}

// release drops what is kept of a target that has ended, and what its source
// keeps, unless a source of the same kind polls the same workload.
func (p *Poller) release(t *target) {
	now, known := p.targets[t.workload.Target]
	if !known || now.workload.UID != t.workload.UID || reflect.TypeOf(now.source) != reflect.TypeOf(t.source) {
		if f, ok := t.source.(Forgetter); ok {
			f.Forget(t.workload.UID)
		}
	}
	*t = target{ended: true}
}

// PollNow polls a target without waiting for the interval. If a poll is under
// way, another one follows it. It reports false for a target that is not polled. For
// one that is, Changed is called when that poll has ended, whatever its answer.
func (p *Poller) PollNow(target workload.Target) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, known := p.targets[target]
	if !known {
		return false
	}
	t.refusals, t.answer.Requested = 0, true
	if t.cancel != nil {
		t.again = true
	} else if p.queue != nil {
		p.schedule(t, 0)
	}
	return true
}

// scheduleFirst has a target polled at once if that was requested, and else somewhere
// within its interval, so that the targets of a start are spread over it.
func (p *Poller) scheduleFirst(t *target) {
	if t.answer.Requested {
		p.schedule(t, 0)
		return
	}
	p.schedule(t, rand.N(t.source.Interval()))
}

// scheduleNext has a target polled an interval from now, or later if it refuses
// our credentials, so that no account is locked.
func (p *Poller) scheduleNext(t *target) {
	if t.again {
		t.again = false
		p.schedule(t, 0)
		return
	}
	p.schedule(t, wait.Jitter(t.source.Interval(), jitter)<<min(t.refusals, maxRefusals))
}

func (p *Poller) schedule(t *target, after time.Duration) {
	t.due = p.options.Clock.Now().Add(after)
	p.queue.AddAfter(t, after)
}

// begin begins the poll of a target that the queue returned.
func (p *Poller) begin(t *target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.ended || t.cancel != nil || p.running.Err() != nil {
		return
	}
	// The queue keeps the earliest of several times.
	if early := t.due.Sub(p.options.Clock.Now()); early > 0 {
		p.queue.AddAfter(t, early)
		return
	}
	log := logr.FromContextOrDiscard(p.running).WithName("discovery").WithValues("target", t.workload.Target.String())
	one := &poll{Poller: p, target: t, workload: t.workload, source: t.source, began: p.options.Clock.Now()}
	one.ctx, t.cancel = context.WithCancel(logr.NewContext(p.running, log))
	p.places.run(t.workload.Target.Namespace, one.prepare)
}
