package discovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
)

// Condition is the condition Discovered after a poll: whether it is true, which
// takes whole answers that agree, its reason, and its message. They are the
// same for the same failures of as many pods.
func (m Merged) Condition(r Result) (met bool, reason Reason, message string) {
	reason, message = r.Reason(), r.Message()
	unusual := Answered
	switch {
	case m.TooMany:
		unusual = TooManyAdapters
		message += fmt.Sprintf("; together they have more than %d adapters, so nothing changes", apply.MaxAdapters)
	case len(m.Disagreed) > 0:
		unusual = Disagreeing
		message += "; not all give the same number for " + strings.Join(portNames(m.Disagreed), ", ")
	}
	if reason == Answered {
		reason = unusual
	}
	return reason == Answered, reason, message
}

// portNames stand for types in messages: a type is whatever a pod says.
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

// Reason is how the poll went. When no pod answered, and all for one reason, it
// is that reason.
func (r Result) Reason() Reason {
	switch {
	case r.Complete():
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

// Message says how many pods answered, and how many did not for what. It names
// no pod, and counts none where all is well, so it stays as it is when pods are
// replaced and when the workload is scaled.
func (r Result) Message() string {
	all := len(r.Answers) + len(r.Failures)
	switch {
	case all == 0:
		return "no pod is ready to be asked"
	case r.Complete():
		return "every ready pod answered"
	}
	counts := map[string]int{}
	for _, e := range r.Failures {
		counts[e.Text()]++
	}
	parts := []string{fmt.Sprintf("%d of %d ready pods answered", len(r.Answers), all)}
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d: %s", counts[text], text))
	}
	return strings.Join(parts, "; ")
}
