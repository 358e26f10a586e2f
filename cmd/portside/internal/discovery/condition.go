package discovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
)

// Condition returns the condition Discovered after a poll with this result. It
// stays the same for the same failures of as many pods. A workload that is not
// steady is reported only if that lasts, so that a pod that restarts does not
// cause a write of status.
func (m Merged) Condition(r Result, lasts bool) Condition {
	c := Condition{Reason: r.Reason(), Message: r.Message()}
	problem := Answered
	switch {
	case m.TooMany:
		problem = TooManyAdapters
		c.Message += fmt.Sprintf("; together they have more than %d adapters, so nothing changes", apply.MaxAdapters)
	case len(m.Disagreed) > 0:
		problem = Disagreeing
		c.Message += "; pods report different numbers for " + strings.Join(portNames(m.Disagreed), ", ")
	}
	if unsteady, text := r.Problem(); unsteady != "" && lasts && c.Reason != NoReadyPods {
		if problem == Answered {
			problem = unsteady
		}
		c.Message += "; " + text
	}
	if c.Reason == Answered {
		c.Reason = problem
	}
	c.Met = c.Reason == Answered
	return c
}

// portNames returns the names of the ports of adapters. Messages have these and
// not the types, which are whatever a pod says.
func portNames(types []string) []string {
	names := make([]string, 0, len(types))
	for _, typ := range types {
		name := apply.PortName(typ)
		if name == "" {
			name = "an adapter that can have no port"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Reason returns how the questions went. If no pod answered, and all for one
// reason, it is that reason.
func (r Result) Reason() Reason {
	switch {
	case r.answered():
		return Answered
	case len(r.Answers) > 0:
		return PartlyAnswered
	case len(r.Failures) == 0:
		return NoReadyPods
	}
	first := r.Failures[0].Reason
	if slices.ContainsFunc(r.Failures, func(e *Error) bool { return e.Reason != first }) {
		return NotAnswered
	}
	return first
}

// Message returns how many pods answered, and how many did not for which reason.
// It names no pod, and has no count if all answered, so that it stays the same
// when pods are replaced and when the workload is scaled.
func (r Result) Message() string {
	all := len(r.Answers) + len(r.Failures)
	asked := "ready"
	if r.Waiting > 0 {
		asked = "asked"
	}
	switch {
	case all == 0:
		return "no pod is ready to be asked"
	case r.answered():
		return "every " + asked + " pod answered"
	}
	counts := map[string]int{}
	for _, e := range r.Failures {
		counts[e.Text()]++
	}
	parts := []string{fmt.Sprintf("%d of %d %s pods answered", len(r.Answers), all, asked)}
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d: %s", counts[text], text))
	}
	return strings.Join(parts, "; ")
}
