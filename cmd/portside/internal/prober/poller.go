package prober

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// mostRefusals bounds how much less often a target that refuses our credentials
// is asked: two to the power of it.
const mostRefusals = 4

// prepareTimeout bounds what is asked of the API server for one poll, so that a
// server that does not answer is told of. The first list of all pods is part of
// it.
const prepareTimeout = time.Minute

// poller asks one target.
type poller struct {
	*Prober
	target   workload.Target
	question Question
	stop     func()
	now      chan struct{} // has a poll requested, which waits for nothing

	// steady reports whether the last poll found the workload so, or in a state
	// that is not reported.
	steady bool

	mu     sync.Mutex
	answer Answer
	// outdated reports whether the workload has not been steady since the latest
	// poll began.
	outdated bool
}

// is tells that the poller asks just that.
func (p *poller) is(q Question) bool {
	return p.question.UID == q.UID && p.question.Selector == q.Selector && p.question.Container == q.Container && reflect.DeepEqual(p.question.HTTP, q.HTTP)
}

func (p *poller) current() Answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answer
}

func (p *poller) outdate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outdated, p.answer.Complete = true, false
}

func (p *poller) run(ctx context.Context) {
	interval := time.Duration(ptr.Deref(p.question.HTTP.IntervalSeconds, 0)) * time.Second
	refusals := 0
	for round := uint64(0); ; round++ {
		wait := discovery.Delay(string(p.question.UID), round, interval) << min(refusals, mostRefusals)
		timer := p.options.Clock.NewTimer(wait)
		select {
		case <-timer.C():
		case <-p.now:
			timer.Stop()
			refusals = 0
		case <-ctx.Done():
			timer.Stop()
			return
		}
		begun := p.options.Clock.Now()
		answer := p.poll(ctx)
		if ctx.Err() != nil {
			return // what a question came to that was given up says nothing
		}
		took := p.options.Clock.Since(begun)
		p.tell(ctx, answer)
		p.options.Observe(p.target, answer.Reason, took) // a poll that is counted has its answer known
		if refusals++; answer.Reason != discovery.Unauthorized {
			refusals = 0
		}
	}
}

// tell keeps an answer, and reports a changed one. It logs a failure when it
// begins and when its reason changes.
func (p *poller) tell(ctx context.Context, answer Answer) {
	p.mu.Lock()
	before := p.answer
	answer.Complete = answer.Complete && !p.outdated
	if answer.Reason.NeedsAction() {
		answer.Failures = min(before.Failures+1, MaxFailures)
	}
	p.answer = answer
	p.mu.Unlock()
	if answer.Failures < MaxFailures {
		before.Failures = answer.Failures // the number changes nothing yet
	}
	if reflect.DeepEqual(before, answer) {
		return
	}
	log := logr.FromContextOrDiscard(ctx)
	switch {
	case !answer.Met && answer.Reason != before.Reason:
		log.Info("discovery failed", "reason", answer.Reason, "message", answer.Message)
	case answer.Met && !before.Met && before.Reason != "":
		log.Info("discovery recovered", "active", len(answer.Active))
	case answer.Met:
		log.V(1).Info("discovery answered", "active", len(answer.Active))
	}
	p.options.Changed(p.target)
}

// poll asks once. An answer is whole in every case: a failure leaves what was
// active before.
func (p *poller) poll(ctx context.Context) Answer {
	p.mu.Lock()
	p.outdated = false
	p.mu.Unlock()
	last := p.current().Active
	if last == nil {
		last = p.question.Standing
	}
	client, pods, err := p.prepare(ctx)
	if err != nil {
		return p.failed(ctx, err)
	}
	result := client.Poll(ctx, pods.Ask)
	result.Readiness = pods.Readiness
	log := logr.FromContextOrDiscard(ctx)
	for _, failure := range result.Failures {
		log.V(2).Info("a pod did not answer", "pod", failure.Pod, "reason", failure.Reason, "message", failure.Text())
	}
	merged := discovery.Merge(last, result)
	answer := Answer{Active: merged.Active, Complete: result.Complete() && !merged.TooMany, Disagreed: merged.Disagreed}
	if len(result.Answers) == 0 && p.current().Active == nil {
		answer.Active = nil // nobody has answered yet; what stands is no answer
	}
	answer.Met, answer.Reason, answer.Message = merged.Condition(result, !p.steady)
	problem, _ := result.Problem()
	p.steady = problem == ""
	return answer
}

// prepare finds whom to ask, and with what.
func (p *poller) prepare(ctx context.Context) (*discovery.Client, discovery.Pods, error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	client, err := p.client(ctx)
	if err != nil {
		return nil, discovery.Pods{}, err
	}
	pods, err := p.options.Pods.Find(ctx, p.target, p.question)
	return client, pods, err
}

// failed is the answer when no pod can be asked. Its message is the reason's
// own: what a client of the API server says quotes addresses, and differs each
// time.
func (p *poller) failed(ctx context.Context, err error) Answer {
	why, ok := errors.AsType[*discovery.Error](err)
	if !ok {
		logr.FromContextOrDiscard(ctx).Info("the pods to ask cannot be told", "error", err.Error())
		why = &discovery.Error{Reason: discovery.PodsUnknown}
	}
	return Answer{Active: p.current().Active, Reason: why.Reason, Message: why.Text()}
}

// client is the one to ask with, and with what the Secret says now.
func (p *poller) client(ctx context.Context) (*discovery.Client, error) {
	http := p.question.HTTP
	var credentials discovery.Credentials
	if ref := http.CredentialsRef; ref != nil {
		var err error
		if credentials, err = p.credentials(ctx, types.NamespacedName{Namespace: p.target.Namespace, Name: ref.Name}); err != nil {
			return nil, err
		}
	}
	return p.options.Clients.For(p.target.Namespace, string(p.question.UID), discovery.Endpoint{
		Scheme:     http.Scheme,
		ServerName: http.ServerName,
		Path:       http.Path,
		Timeout:    time.Duration(ptr.Deref(http.TimeoutSeconds, 0)) * time.Second,
	}, credentials)
}

// credentials reads the Secret. Its errors hold nothing of it.
func (p *poller) credentials(ctx context.Context, name types.NamespacedName) (discovery.Credentials, error) {
	secret, err := p.options.Secret(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		return discovery.Credentials{}, &discovery.Error{Reason: discovery.CredentialsMissing}
	case apierrors.IsForbidden(err):
		return discovery.Credentials{}, discovery.SecretForbidden(name.Namespace)
	case err != nil:
		logr.FromContextOrDiscard(ctx).Info("the Secret with the credentials cannot be read", "secret", name.String(), "error", err.Error())
		return discovery.Credentials{}, &discovery.Error{Reason: discovery.CredentialsUnreadable}
	case secret.Labels[v1alpha1.CredentialsLabel] != "true":
		return discovery.Credentials{}, &discovery.Error{Reason: discovery.CredentialsNotLabelled}
	}
	return discovery.ReadCredentials(secret.Data)
}
