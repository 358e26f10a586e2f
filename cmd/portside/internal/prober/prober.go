package prober

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// Question is what to ask a target.
type Question struct {
	UID types.UID
	// Selector is the workload's own; see [apply.Workload].
	Selector  string
	Container string
	HTTP      v1alpha1.HTTPDiscovery
	// Standing are the adapters whose ports stand, in the order of status: what
	// was active before the first answer. Only the first question takes it.
	Standing []apply.Adapter
}

// Answer is what a target's pods answered last.
type Answer struct {
	// Active are the adapters of the last good answer, nil before there was one.
	Active []apply.Adapter
	// Complete reports whether the latest poll was, and the workload has been
	// steady since: only then may a port be removed or renumbered.
	Complete bool
	// Disagreed are the types, sorted, of which pods gave different numbers.
	Disagreed []string
	// Met, Reason and Message are the condition Discovered.
	Met     bool
	Reason  discovery.Reason
	Message string
	// Failures is the number of polls in a row that failed for a reason that
	// needs action, up to [MaxFailures].
	Failures int
}

// MaxFailures is how many polls in a row must fail for a reason that needs action
// before the target counts as stalled: a server that starts may answer anything.
const MaxFailures = 3

// PodFinder finds the pods of targets. It is used concurrently.
type PodFinder interface {
	// Find returns the pods of a target that can be asked, with the number that a
	// port's name has in each, and how ready the target is.
	Find(ctx context.Context, target workload.Target, q Question) (discovery.Pods, error)
	// Forget drops what is kept of a workload that is no longer asked. What
	// Find finds after its context has ended is not to be kept.
	Forget(workload types.UID)
}

// Options are what a prober works with. All but Observe are needed.
type Options struct {
	Clock   clock.Clock
	Clients *discovery.Clients
	// Secret reads a Secret from the API server.
	Secret func(ctx context.Context, name types.NamespacedName) (*corev1.Secret, error)
	// Pods finds the pods to ask.
	Pods PodFinder
	// Changed is called when an answer is not what it was, and when so many polls
	// have failed that the target counts as stalled.
	Changed func(target workload.Target)
	// Observe is called with each poll.
	Observe func(target workload.Target, reason discovery.Reason, took time.Duration)
}

// Prober asks targets from [Prober.Start] on. It is safe for concurrent use.
type Prober struct {
	options Options

	mu      sync.Mutex
	running context.Context // nil until Start
	ended   bool
	targets map[workload.Target]*poller
	done    sync.WaitGroup
}

// New makes a prober.
func New(o Options) *Prober {
	if o.Observe == nil {
		o.Observe = func(workload.Target, discovery.Reason, time.Duration) {}
	}
	return &Prober{options: o, targets: map[workload.Target]*poller{}}
}

// Start asks until ctx ends, and waits for the questions that are under way. It
// is controller-runtime's Runnable; it needs to lead.
func (p *Prober) Start(ctx context.Context) error {
	p.mu.Lock()
	p.running = ctx
	for t, one := range p.targets {
		p.begin(t, one)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.done.Wait()
	return nil
}

// Ask has a target asked from now on, or asked something else. Another uid is
// another workload, and begins anew.
func (p *Prober) Ask(t workload.Target, q Question) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, known := p.targets[t]
	if known && one.is(q) {
		return
	}
	if known {
		one.stop()
	}
	next := &poller{Prober: p, target: t, question: q, stop: func() {}, now: make(chan struct{}, 1)}
	if known && one.question.UID == q.UID {
		next.answer = one.current()
		next.answer.Complete, next.answer.Failures = false, 0 // of another question
		next.question.Standing = next.answer.Active
	}
	if next.question.Standing == nil {
		next.question.Standing = q.Standing
	}
	p.targets[t] = next
	if p.running != nil {
		p.begin(t, next)
	}
}

func (p *Prober) begin(t workload.Target, one *poller) {
	if p.ended {
		return
	}
	ctx, cancel := context.WithCancel(p.running)
	one.stop = cancel
	log := logr.FromContextOrDiscard(ctx).WithName("discovery").WithValues("target", t.String())
	p.done.Go(func() {
		one.run(logr.NewContext(ctx, log))
		p.drop(t, one)
	})
}

// drop forgets what was kept of a workload for a poller that has ended, unless
// another one asks the same workload.
func (p *Prober) drop(t workload.Target, one *poller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, known := p.targets[t]; known && now.question.UID == one.question.UID {
		return
	}
	p.options.Clients.Forget(string(one.question.UID))
	p.options.Pods.Forget(one.question.UID)
}

// Forget stops asking a target. What is kept of it goes when the question that
// is under way has ended.
func (p *Prober) Forget(t workload.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, known := p.targets[t]; known {
		one.stop()
		delete(p.targets, t)
	}
}

// PollNow has a target polled without waiting for the interval, and again if a poll
// is under way.
func (p *Prober) PollNow(t workload.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, known := p.targets[t]; known {
		select {
		case one.now <- struct{}{}:
		default: // it is about to
		}
	}
}

// Outdate marks the last answer of a target as not complete until the next poll:
// the pods that gave it may be others now. It is called while the target is not
// steady, and counts for a poll that is under way, too.
func (p *Prober) Outdate(t workload.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, known := p.targets[t]; known {
		one.outdate()
	}
}

// Answer is the last answer of a target; it is false before the first.
func (p *Prober) Answer(t workload.Target) (Answer, bool) {
	p.mu.Lock()
	one := p.targets[t]
	p.mu.Unlock()
	if one == nil {
		return Answer{}, false
	}
	a := one.current()
	return a, a.Reason != ""
}
