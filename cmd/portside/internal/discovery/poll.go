package discovery

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Result is what the pods of a target answered, each list in the order of the
// pods' names, and how ready the target was when they were asked.
type Result struct {
	Answers  []Answer
	Failures []*Error
	Readiness
}

// Poll asks all pods and drops the sessions of others. It ends when each has
// answered or failed. After a cancelled context its failures have the reason
// Canceled. The Readiness of the result is left to the caller, who knows the
// workload.
func (c *Client) Poll(ctx context.Context, pods []Pod) Result {
	c.keepOnly(pods)
	answers, failures := make([]Answer, len(pods)), make([]*Error, len(pods))
	var group errgroup.Group
	group.SetLimit(maxOfTarget)
	for i, pod := range pods {
		group.Go(func() error {
			answer, err := c.Ask(ctx, pod)
			if err != nil {
				failures[i] = named(pod.Name, err)
				return nil
			}
			answers[i] = answer
			return nil
		})
	}
	_ = group.Wait() // Each failure is in its place.

	var r Result
	for i := range pods {
		if failures[i] != nil {
			r.Failures = append(r.Failures, failures[i])
		} else {
			r.Answers = append(r.Answers, answers[i])
		}
	}
	slices.SortStableFunc(r.Answers, func(a, b Answer) int { return cmp.Compare(a.Pod, b.Pod) })
	slices.SortStableFunc(r.Failures, func(a, b *Error) int { return cmp.Compare(a.Pod, b.Pod) })
	return r
}

// keepOnly drops the sessions of pods that are gone.
func (c *Client) keepOnly(pods []Pod) {
	asked := make(map[Pod]bool, len(pods))
	for _, pod := range pods {
		asked[pod] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.sessions, func(pod Pod, _ *session) bool { return !asked[pod] })
}

// Complete reports whether the answers are all that there is to say, so that
// they may remove and renumber adapters: every pod that was asked answered, at
// least one was, and the workload was steady.
func (r Result) Complete() bool { return r.answered() && r.Steady() }

// answered reports whether pods were asked and each of them answered.
func (r Result) answered() bool { return len(r.Answers) > 0 && len(r.Failures) == 0 }
