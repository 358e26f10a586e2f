package discovery

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/portside-dev/portside/apply"
)

// Result is what came of the questions of one poll, each list in the order of the
// pods' names, and how ready the workload was.
type Result struct {
	Answers  []PodAnswer
	Failures []*Error
	Readiness
}

// PodAnswer is the answer of one pod: its active adapters.
type PodAnswer struct {
	Pod      string
	Adapters []apply.Adapter
}

// Complete reports whether the answers may remove and renumber adapters: every
// pod that was asked answered, at least one was, and the workload was steady.
func (r Result) Complete() bool { return r.answered() && r.Steady() }

// answered reports whether pods were asked and each of them answered.
func (r Result) answered() bool { return len(r.Answers) > 0 && len(r.Failures) == 0 }

// round asks the questions of one poll.
type round struct {
	*places
	ctx       context.Context
	namespace string
	questions []Question
	done      func(Result)

	mu      sync.Mutex
	begun   int
	pending int // questions without an answer
	result  Result
}

// ask asks questions, at most maxOfTarget at once, and calls done with the result,
// whose Readiness is left to the caller. It does not wait for that. After ctx has
// ended, the rest fails with the reason Canceled.
func (p *places) ask(ctx context.Context, namespace string, questions []Question, done func(Result)) {
	r := &round{places: p, ctx: ctx, namespace: namespace, questions: questions, done: done, pending: len(questions)}
	if len(questions) == 0 {
		done(r.result)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for range min(len(questions), maxOfTarget) {
		r.next()
	}
}

// next has the next question asked. The caller holds the lock.
func (r *round) next() {
	question := r.questions[r.begun]
	r.begun++
	r.run(r.namespace, func() { r.take(question) })
}

// take asks a question and keeps the answer.
func (r *round) take(question Question) {
	var adapters []apply.Adapter
	err := r.ctx.Err()
	if err == nil {
		adapters, err = question.Ask(r.ctx)
	}
	r.mu.Lock()
	if err != nil {
		failure := errorOf(err)
		failure.Pod = question.Pod
		r.result.Failures = append(r.result.Failures, &failure)
	} else {
		r.result.Answers = append(r.result.Answers, PodAnswer{question.Pod, adapters})
	}
	if r.begun < len(r.questions) {
		r.next()
	}
	r.pending--
	last := r.pending == 0
	r.mu.Unlock()
	if last {
		slices.SortFunc(r.result.Answers, func(a, b PodAnswer) int { return cmp.Compare(a.Pod, b.Pod) })
		slices.SortFunc(r.result.Failures, func(a, b *Error) int { return cmp.Compare(a.Pod, b.Pod) })
		r.done(r.result)
	}
}
