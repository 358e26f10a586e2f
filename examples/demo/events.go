package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// events returns the events about the AdapterSet, the oldest first.
func (l *life) events(ctx context.Context) ([]eventsv1.Event, error) {
	list, err := l.cluster.client.EventsV1().Events(mediaNamespace).List(ctx, metav1.ListOptions{FieldSelector: "regarding.kind=AdapterSet"})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	return list.Items, nil
}

// newEvents returns the events between two views. A repeated event is the same event with
// a higher count.
func newEvents(before, now view) []eventsv1.Event {
	count := func(e eventsv1.Event) int32 {
		if e.Series == nil {
			return 1
		}
		return e.Series.Count
	}
	return slices.DeleteFunc(slices.Clone(now.events), func(e eventsv1.Event) bool {
		return slices.ContainsFunc(before.events, func(old eventsv1.Event) bool { return old.Name == e.Name && count(old) == count(e) })
	})
}

// eventsClaim claims that there were events with these reasons between two views.
func eventsClaim(reasons []string, before, now view) claim {
	var missing error
	for _, reason := range reasons {
		if !slices.ContainsFunc(newEvents(before, now), func(e eventsv1.Event) bool { return e.Reason == reason }) {
			missing = errors.Join(missing, fmt.Errorf("no event %s", reason))
		}
	}
	return claim{"events: " + strings.Join(reasons, ", "), missing}
}

// events prints events as kubectl describe does.
func (p *printer) events(all []eventsv1.Event) {
	if len(all) > 0 {
		p.linef("")
	}
	for _, e := range all {
		p.wrapped(fmt.Sprintf("%s %s: %s", e.Type, e.Reason, e.Note))
	}
}
