package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
)

// scene is one scene of the second act: something happens in the world, portside
// does what it does, and then this is true.
type scene struct {
	title string // what happens, in one line
	// happens makes it so. What it finds out by itself comes as claims.
	happens func(context.Context, *life) ([]claim, error)
	want    outcome
}

// outcome is what is true once all has come to rest.
type outcome struct {
	// container has the ports, in their order and each with its owner.
	container string
	ports     []ownedPort
	// told is what the AdapterSet says in the end, onTheWay a reason that it gave
	// before, if that matters.
	told     told
	onTheWay string
	// events are the reasons of events that were recorded on the AdapterSet.
	events []string
	// changes of the pod template that the server stored in the scene, and pods
	// that started in it.
	changes, podStarts int
}

// view is what there is to see at a time.
type view struct {
	version    string // of the StatefulSet
	generation int64
	ports      []ownedPort
	told       told
	onTheWay   []string
	events     []eventsv1.Event
	stored     []testenv.Stored // every generation
	podStarts  int
}

// look sees everything as it is now.
func (l *life) look(ctx context.Context, container string) (view, error) {
	stored, err := l.history.All(ctx)
	if err != nil {
		return view{}, err
	}
	v := view{stored: stored, podStarts: l.plane.WorkloadPodStarts("StatefulSet", mediaNamespace, workload)}
	v.told, _, v.onTheWay = l.watcher.latest()
	if v.events, err = l.events(ctx); err != nil {
		return view{}, err
	}
	if len(stored) == 0 {
		return v, nil
	}
	object, err := l.cluster.reader.Get(ctx, "StatefulSet", mediaNamespace, workload)
	if err != nil {
		return view{}, err
	}
	v.version, v.generation = object.GetResourceVersion(), object.GetGeneration()
	v.ports, err = ports(object, container)
	return v, err
}

// claims compares what is seen with what was wanted of a scene.
func (w outcome) claims(before, now view) []claim {
	all := []claim{
		{"every port is there, in its place, and owned by whom it should be", differ(now.ports, w.ports)},
		{w.told.text(), differ(now.told, w.told)},
	}
	if w.onTheWay != "" {
		var err error
		if !slices.Contains(now.onTheWay, w.onTheWay) {
			err = fmt.Errorf("it said %s", strings.Join(now.onTheWay, ", "))
		}
		all = append(all, claim{"on the way it said " + w.onTheWay, err})
	}
	if w.events != nil {
		all = append(all, eventsClaim(w.events, before, now))
	}
	stored, starts := cost(before, now)
	return append(all, claim{fmt.Sprintf("changes of the pod template stored: %d, pods started: %d", w.changes, w.podStarts),
		errors.Join(differ(len(stored), w.changes), differ(starts, w.podStarts))})
}

// cost are the changes of the pod template and the starts of pods in between.
func cost(before, now view) (stored []string, podStarts int) {
	return changes(now.stored, len(before.stored)), now.podStarts - before.podStarts
}

// exceeded reports whether there was more than the scene is to cost.
func (w outcome) exceeded(before, now view) bool {
	stored, starts := cost(before, now)
	return len(stored) > w.changes || starts > w.podStarts
}

func (t told) text() string {
	if t == (told{}) {
		return "the AdapterSet is gone"
	}
	return fmt.Sprintf("the AdapterSet says %s: %s, %s, %s", t.ports, t.ready, t.reconciling, t.discovered)
}

// live plays the second act, and ends at the first claim that does not hold.
func (s *stage) live(ctx context.Context, scenes []scene) (err error) {
	l, err := s.setLife(ctx)
	defer func() { err = errors.Join(err, l.end()) }()
	if err != nil {
		return err
	}
	s.out.rule("The service")
	s.out.block(prologue)
	var costs []sceneCost
	for i, sc := range scenes {
		title := fmt.Sprintf("%d. %s", len(story)+i+1, sc.title)
		s.out.rule(title)
		cost, err := l.perform(ctx, sc)
		if err != nil {
			return fmt.Errorf("%s: %w", title, err)
		}
		costs = append(costs, cost)
	}
	return l.sum(ctx, costs)
}

// perform has the scene happen, waits until what it wants is so, and says what is
// so and what is not.
func (l *life) perform(ctx context.Context, sc scene) (sceneCost, error) {
	before, err := l.look(ctx, sc.want.container)
	if err != nil {
		return sceneCost{}, err
	}
	l.watcher.forget()
	found, err := sc.happens(ctx, l)
	if err != nil {
		return sceneCost{}, err
	}
	now, err := l.await(ctx, sc.want, before)
	if err != nil {
		return sceneCost{}, err
	}
	l.out.events(newEvents(before, now))
	stored, starts := cost(before, now)
	return sceneCost{sc.title, stored, starts}, l.out.claims(append(found, sc.want.claims(before, now)...))
}

func (l *life) await(ctx context.Context, w outcome, before view) (now view, err error) {
	err = wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		seen, err := l.look(ctx, w.container)
		if err != nil {
			return false, err
		}
		now = seen
		if err := l.panel.show(ctx, l, now); err != nil {
			return false, err
		}
		if w.exceeded(before, now) {
			return true, nil // what is too much does not become less
		}
		if failed(w.claims(before, now)) != nil {
			return false, l.alive()
		}
		return l.rests(ctx, now)
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = nil // the claims say what is not so
	}
	return now, err
}

// rests reports whether the pods are as the StatefulSet is, and nobody has
// written to it since it was looked at.
func (l *life) rests(ctx context.Context, seen view) (bool, error) {
	object, err := l.plane.RolledOut(ctx, "StatefulSet", mediaNamespace, workload)
	return err == nil && object.GetResourceVersion() == seen.version, err
}

// alive is an error where the service has ended by itself.
func (l *life) alive() error {
	if l.service == nil || l.service.Alive() {
		return nil
	}
	return fmt.Errorf("portside run ended: %s\n%s", l.service.State(), l.service.Log.Tail())
}
