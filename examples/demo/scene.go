package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// scene is one scene of the second act: something happens, and portside reacts.
type scene struct {
	title string // what happens, in one line
	// happens makes it happen, and may return claims of its own.
	happens func(context.Context, *life) ([]claim, error)
	want    outcome
	// operator is what the operator of DittoFS did, nil if that is not compared.
	operator *recorded
}

// outcome is the state after a scene.
type outcome struct {
	// ports of the container, in order.
	container string
	ports     []ownedPort
	// status of the AdapterSet in the end, and a reason that it had before, if any.
	status   status
	onTheWay string
	// events are the reasons of events about the AdapterSet.
	events []string
	// changes of the pod template that the server stored, and pods that started.
	changes, podStarts int
	// reaches is the port of pods that the Service leads to, empty without one.
	reaches string
}

// status is a summary of an AdapterSet's status: the ready and desired ports, and the
// reasons of its conditions. It is empty without an AdapterSet.
type status struct{ ports, ready, reconciling, discovered string }

func (s status) text() string {
	if s == (status{}) {
		return "the AdapterSet is deleted"
	}
	return fmt.Sprintf("the AdapterSet reports %s: %s, %s, %s", s.ports, s.ready, s.reconciling, s.discovered)
}

// view is the state of everything at a time.
type view struct {
	version    string // of the StatefulSet
	generation int64
	ports      []ownedPort
	setVersion string // of the AdapterSet
	status     status
	onTheWay   []string // the reasons that status had since the scene began
	events     []eventsv1.Event
	stored     []testenv.Stored // every generation
	podStarts  int
	traffic    traffic
}

// observe reads the state of everything.
func (l *life) observe(ctx context.Context, container string) (view, error) {
	stored, err := l.history.All(ctx)
	if err != nil {
		return view{}, err
	}
	v := view{stored: stored, podStarts: l.plane.WorkloadPodStarts("StatefulSet", mediaNamespace, workload)}
	if v.setVersion, v.status, err = l.adapterSet(ctx); err != nil {
		return view{}, err
	}
	if v.events, err = l.events(ctx); err != nil {
		return view{}, err
	}
	if v.traffic, err = l.traffic(ctx); err != nil {
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

// adapterSet reads the AdapterSet.
func (l *life) adapterSet(ctx context.Context) (version string, s status, err error) {
	set, err := l.cluster.reader.Get(ctx, "AdapterSet", mediaNamespace, workload)
	if apierrors.IsNotFound(err) {
		return "", status{}, nil
	}
	if err != nil {
		return "", status{}, err
	}
	ready, _, _ := unstructured.NestedInt64(set.Object, "status", "readyPorts")
	desired, _, _ := unstructured.NestedInt64(set.Object, "status", "desiredPorts")
	reason := func(condition string) string { return fixture.Condition(set, condition).Reason }
	return set.GetResourceVersion(), status{fmt.Sprintf("%d/%d", ready, desired), reason("Ready"), reason("Reconciling"), reason("Discovered")}, nil
}

// claims compares a view with the outcome of a scene.
func (w outcome) claims(before, now view) []claim {
	all := []claim{
		{portsText, differ(now.ports, w.ports)},
		{w.status.text(), differ(now.status, w.status)},
	}
	if w.onTheWay != "" {
		var err error
		if !slices.Contains(now.onTheWay, w.onTheWay) {
			err = fmt.Errorf("it reported %s", strings.Join(now.onTheWay, ", "))
		}
		all = append(all, claim{"before that it reported " + w.onTheWay, err})
	}
	if w.events != nil {
		all = append(all, eventsClaim(w.events, before, now))
	}
	if w.reaches != "" {
		all = append(all, claim{fmt.Sprintf("%s leads to %s at the same node port and address", frontend, w.reaches),
			errors.Join(differ(now.traffic.reaches, w.reaches), differ(now.traffic.lost(before.traffic), 0))})
	}
	stored, starts := cost(before, now)
	return append(all, claim{fmt.Sprintf("changes of the pod template stored: %d, pods started: %d", w.changes, w.podStarts),
		errors.Join(differ(len(stored), w.changes), differ(starts, w.podStarts))})
}

// cost returns the changes of the pod template and the starts of pods between two views.
func cost(before, now view) (stored []string, podStarts int) {
	return changes(now.stored, len(before.stored)), now.podStarts - before.podStarts
}

// exceeded reports whether the scene cost more than it should.
func (w outcome) exceeded(before, now view) bool {
	stored, starts := cost(before, now)
	return len(stored) > w.changes || starts > w.podStarts
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

// perform makes a scene happen, waits for its outcome, and checks its claims.
func (l *life) perform(ctx context.Context, sc scene) (sceneCost, error) {
	before, err := l.observe(ctx, sc.want.container)
	if err != nil {
		return sceneCost{}, err
	}
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
	return sceneCost{sc.title, stored, starts, now.traffic.lost(before.traffic), sc.operator}, l.out.claims(append(found, sc.want.claims(before, now)...))
}

func (l *life) await(ctx context.Context, w outcome, before view) (now view, err error) {
	err = wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		seen, err := l.observe(ctx, w.container)
		if err != nil {
			return false, err
		}
		seen.onTheWay = append(slices.Clone(now.onTheWay), seen.status.ready, seen.status.reconciling, seen.status.discovered)
		now = seen
		if err := l.panel.show(ctx, l, now); err != nil {
			return false, err
		}
		if w.exceeded(before, now) {
			return true, nil // it does not become less
		}
		if failed(w.claims(before, now)) != nil {
			return false, l.alive()
		}
		return l.rests(ctx, now)
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = nil // the claims that do not hold say why
	}
	return now, err
}

// rests reports whether the rollout is complete, and the StatefulSet has not changed
// since it was observed.
func (l *life) rests(ctx context.Context, seen view) (bool, error) {
	object, err := l.plane.RolledOut(ctx, "StatefulSet", mediaNamespace, workload)
	return err == nil && object.GetResourceVersion() == seen.version, err
}

// alive returns an error if the service has ended.
func (l *life) alive() error {
	if l.service == nil || l.service.Alive() {
		return nil
	}
	return fmt.Errorf("portside run ended: %s\n%s", l.service.State(), l.service.Log.Tail())
}
