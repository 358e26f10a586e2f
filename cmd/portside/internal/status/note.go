package status

import (
	"fmt"
	"slices"
	"strings"
)

// maxNote is the longest note of an event that the API server accepts, in bytes.
const maxNote = 1024

// report is one event about any number of ports.
type report struct {
	kind, reason string
	manager      string // the one that a warning is about
	// one and many are how the note begins, and end is how it ends.
	one, many, end string
	separator      string // of items; a comma by default
	ports, items   []string
}

// reports are events in order, at most one of a reason and a manager.
type reports []*report

// one adds an event that is not about ports.
func (r *reports) one(kind, reason, message string) {
	*r = append(*r, &report{kind: kind, reason: reason, items: []string{message}})
}

// add adds an item about a port to the event like this one.
func (r *reports) add(like report, port, item string) {
	i := slices.IndexFunc(*r, func(q *report) bool { return q.reason == like.reason && q.manager == like.manager && len(q.ports) > 0 })
	if i < 0 {
		i = len(*r)
		*r = append(*r, &like)
	}
	q := (*r)[i]
	if !slices.Contains(q.ports, port) || !slices.Contains(q.items, item) {
		q.ports, q.items = append(q.ports, port), append(q.items, item)
	}
}

func (r reports) events() []Event {
	var events []Event
	for _, q := range r {
		events = append(events, Event{
			Type: q.kind, Reason: q.reason, Note: q.note(), Ports: printable(strings.Join(q.ports, ", ")), Manager: printable(q.manager),
		})
	}
	return events
}

// note returns the text with as many items as fit, and the number of the others.
func (r *report) note() string {
	begin, separator := r.one, r.separator
	if len(r.items) > 1 {
		begin = r.many
	}
	if separator == "" {
		separator = ", "
	}
	for n := len(r.items); n > 0; n-- {
		text := begin + strings.Join(r.items[:n], separator)
		if more := len(r.items) - n; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if text = printable(text + r.end); n == 1 || cut(text, maxNote) == text {
			return cut(text, maxNote)
		}
	}
	return ""
}
