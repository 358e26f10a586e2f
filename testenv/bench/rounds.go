package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// round changes the ports of all workloads of a fleet, in one of three ways.
type round struct {
	name  string
	fleet *fleet
	// prepare runs before and is not measured.
	prepare func(ctx context.Context) error
	// run begins the changes and returns when they began.
	run func(ctx context.Context) (began time.Time, err error)
	// finish runs after and is not measured.
	finish func(ctx context.Context) error
}

func nothing(context.Context) error { return nil }

// newBare returns a loop of ready-made PATCH requests: the shortest time in which
// these ports can be applied.
func newBare(f *fleet) *round {
	var bodies [][]byte
	return &round{
		name: "bare PATCH", fleet: f, finish: nothing,
		prepare: func(context.Context) (err error) {
			bodies, err = f.patches(f.turn)
			return err
		},
		run: func(ctx context.Context) (time.Time, error) {
			began := time.Now()
			return began, f.each(func(i int) error { return f.send(ctx, i, bodies[i]) })
		},
	}
}

func newReadModifyWrites(f *fleet) *round {
	return &round{
		name: "read-modify-write", fleet: f, prepare: nothing, finish: nothing,
		run: func(ctx context.Context) (time.Time, error) {
			began := time.Now()
			return began, f.each(func(i int) error {
				_, err := readModifyWrite{f.client.AppsV1().StatefulSets(f.namespace), f.names[i]}.reconcile(ctx, adapters(f.turn))
				return err
			})
		},
	}
}

// service is `portside run` with a fleet.
type service struct {
	cp     *testenv.ControlPlane
	name   string
	binary string
	fleet  *fleet
	git    *testenv.Manager // writes the AdapterSets
	child  *child
	began  time.Time // when the process last started
}

// newService stores an AdapterSet for each workload, without a stabilization
// window.
func newService(ctx context.Context, cp *testenv.ControlPlane, name, binary string, f *fleet) (*service, error) {
	s := &service{cp: cp, name: name, binary: binary, fleet: f, git: cp.Manager("git").In(f.namespace)}
	return s, f.each(func(i int) error {
		_, err := s.git.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "AdapterSet", "metadata": map[string]any{"name": f.names[i]},
			"spec": map[string]any{
				"targetRef": map[string]any{"apiVersion": "apps/v1", "kind": workload.StatefulSet.Kind, "name": f.names[i]},
				"container": container,
				"adapters":  declared(f.turn),
				"rollout":   map[string]any{"stabilizationWindowSeconds": int64(0), "removalDelaySeconds": int64(0)},
			},
		}})
		return err
	})
}

func declared(turn int) []any {
	var all []any
	for _, a := range adapters(turn) {
		all = append(all, map[string]any{"type": a.Type, "port": a.Port})
	}
	return all
}

// declare changes an AdapterSet.
func (s *service) declare(ctx context.Context, i, turn int) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"adapters": declared(turn)}})
	if err != nil {
		return err
	}
	_, err = s.git.Patch(ctx, "AdapterSet", s.fleet.namespace, s.fleet.names[i], types.MergePatchType, patch)
	return err
}

// start starts the service and waits until it has listed everything.
func (s *service) start(ctx context.Context) (ready time.Time, err error) {
	if s.child, err = startChild(s.binary, s.cp.Config(), s.fleet.namespace); err != nil {
		return ready, err
	}
	s.began = s.child.began
	if ready, err = s.child.ready(ctx); err != nil {
		return ready, errors.Join(err, s.stop())
	}
	return ready, nil
}

// settle waits until the service has written all status.
func (s *service) settle(ctx context.Context) error {
	_, err := s.child.rest(ctx, len(s.fleet.names))
	return err
}

func (s *service) stop() error {
	_, err := s.child.stop()
	s.child = nil
	return err
}

// round returns the round in which the AdapterSets change while the service does
// not run, so that all targets have a change once it has listed them.
func (s *service) round() *round {
	return &round{
		name: s.name, fleet: s.fleet,
		prepare: func(ctx context.Context) error {
			return s.fleet.each(func(i int) error { return s.declare(ctx, i, s.fleet.turn) })
		},
		run: s.start,
		finish: func(ctx context.Context) error {
			return errors.Join(s.settle(ctx), s.stop())
		},
	}
}

// take runs a round. It returns when the round began, and how long it took until
// the last workload had its ports.
func (r *round) take(ctx context.Context, cp *testenv.ControlPlane) (began time.Time, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	r.fleet.turn++
	if err := r.prepare(ctx); err != nil {
		return began, 0, err
	}
	if err := collectGarbage(ctx, cp); err != nil {
		return began, 0, err
	}
	o, err := observe(ctx, cp, r.fleet.namespace)
	if err != nil {
		return began, 0, err
	}
	defer o.stop()
	type end struct {
		at  time.Time
		err error
	}
	ended := make(chan end, 1)
	go func() {
		at, err := o.changes(ctx, len(r.fleet.names))
		ended <- end{at, err}
	}()
	if began, err = r.run(ctx); err != nil {
		return began, 0, fmt.Errorf("%s: %w", r.name, err)
	}
	last := <-ended
	if err := errors.Join(last.err, r.finish(ctx)); err != nil {
		return began, 0, fmt.Errorf("%s: %w", r.name, err)
	}
	_, err = r.fleet.check(ctx)
	return began, last.at.Sub(began), err
}

// collectGarbage has the API server collect its garbage, so that no round pays for
// another one or for its own preparation.
func collectGarbage(ctx context.Context, cp *testenv.ControlPlane) error {
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return err
	}
	if _, err := client.RESTClient().Get().AbsPath("/debug/pprof/heap").Param("gc", "1").DoRaw(ctx); err != nil {
		return fmt.Errorf("cannot have the API server collect its garbage: %w", err)
	}
	return nil
}

// roundTimeout bounds a round and other waits for the service, also with 10,000 targets.
const roundTimeout = 30 * time.Minute
