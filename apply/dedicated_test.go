package apply_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

const overlay = "team-overlay"

// overlaid creates a workload as Argo CD. Another manager applies its replicas (of a
// DaemonSet minReadySeconds), an annotation, a label, the image and an environment
// variable, and an operator has written an adapter port.
func overlaid(ctx context.Context, cp *testenv.ControlPlane, namespace string, kind workload.Kind) error {
	if _, err := cp.Manager(testenv.ArgoCD).In(namespace).Apply(ctx, declared(kind, static, fixture.InContainer(dittofs, "env: [{name: A, value: b}]"))); err != nil {
		return err
	}
	count := "replicas: 4"
	if kind == workload.DaemonSet {
		count = "minReadySeconds: 4"
	}
	if _, err := cp.Manager(overlay).In(namespace).ForceApply(ctx, fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: dittofs, annotations: {team: storage}, labels: {team: storage}}
spec:
  %s
  template:
    spec:
      containers:
      - {name: dittofs, image: "dittofs:2", env: [{name: MODE, value: strict}]}
`, kind, count)); err != nil {
		return err
	}
	_, err := cp.Manager(testenv.DittoFSOperator).Update(ctx, kind.Kind, namespace, dittofs, func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, dittofs, "[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 1445}]")
	})
	return err
}

// verbs are the operations that write, except for a release that keeps the ports.
var verbs = map[string]func(context.Context, *apply.Applier, workload.Target) (apply.Result, error){
	"apply": applying(nfs),
	"apply from a whole observation": func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		observed, err := a.Get(ctx, t)
		if err != nil {
			return apply.Result{}, err
		}
		return applyFrom(ctx, a, observed, apply.Desired{Adapters: []apply.Adapter{nfs}})
	},
	"apply from a reduced observation": func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		observed, err := a.Get(ctx, t)
		if err != nil {
			return apply.Result{}, err
		}
		return applyFrom(ctx, a, trimmed(observed, overlay), apply.Desired{Adapters: []apply.Adapter{nfs}})
	},
	"apply from an observation reduced for another manager": func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		observed, err := a.Get(ctx, t)
		if err != nil {
			return apply.Result{}, err
		}
		return applyFrom(ctx, a, trimmed(observed, apply.DefaultFieldManager), apply.Desired{Adapters: []apply.Adapter{nfs}})
	},
	"apply nothing": applying(),
	"adopt": func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		return a.Adopt(ctx, t, "", []string{testenv.DittoFSOperator})
	},
	"release": func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		return a.Release(ctx, t, false)
	},
}

// TestDedicatedFieldManager: if the field manager owns anything but ports, nothing is
// written, and the error reports it.
func TestDedicatedFieldManager(t *testing.T) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		for verb, do := range verbs {
			for _, dryRun := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/dry run %t", kind, verb, dryRun), func(t *testing.T) {
					t.Parallel()
					s := newOverlaid(t, kind)
					before := s.read()
					result, err := do(t.Context(), s.applier(apply.WithFieldManager(overlay), apply.WithDryRun(dryRun)), s.target)
					if same := s.read(); !reflect.DeepEqual(same, before) {
						t.Errorf("the workload is\n%v\nwas\n%v", same, before)
					}
					if writes := s.sent.Writes(); writes != 0 {
						t.Errorf("%d writes were sent: %s", writes, &s.sent)
					}
					want := apply.NotDedicatedError{Manager: overlay, Target: s.target, Field: ".metadata.annotations.team", Count: 6}
					if got := (*apply.NotDedicatedError)(nil); !errors.As(err, &got) || *got != want || result.Outcome != apply.Failed {
						t.Errorf("outcome %s, error %v, want %v", result.Outcome, err, &want)
					}
				})
			}
		}
	}
}

// TestDedicatedFieldManager_ReleaseKeepingPorts: a release that keeps the ports
// changes no value, so it is always possible.
func TestDedicatedFieldManager_ReleaseKeepingPorts(t *testing.T) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			s := newOverlaid(t, kind)
			before := s.read()
			result, err := s.applier(apply.WithFieldManager(overlay)).Release(t.Context(), s.target, true)
			if err != nil || result.Outcome != apply.Applied {
				t.Errorf("outcome %s, error %v", result.Outcome, err)
			}
			after := s.read()
			for _, w := range []*unstructured.Unstructured{before, after} {
				w.SetManagedFields(nil)
				w.SetResourceVersion("")
			}
			if !reflect.DeepEqual(after, before) {
				t.Errorf("the workload is\n%v\nwas\n%v", after, before)
			}
		})
	}
}

// overlaidScene has such a workload and the requests about it.
type overlaidScene struct {
	t      *testing.T
	cp     *testenv.ControlPlane
	target workload.Target
	sent   testenv.Requests
}

func newOverlaid(t *testing.T, kind workload.Kind) *overlaidScene {
	t.Helper()
	cp := testenv.Shared(t)
	s := &overlaidScene{t: t, cp: cp, target: workload.Target{Kind: kind, Namespace: cp.Namespace(t), Name: dittofs}}
	if err := overlaid(t.Context(), cp, s.target.Namespace, kind); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *overlaidScene) applier(options ...apply.Option) *apply.Applier {
	s.t.Helper()
	applier, err := applierFor(s.sent.Wrap(s.cp.Config()), options...)
	if err != nil {
		s.t.Fatal(err)
	}
	return applier
}

func (s *overlaidScene) read() *unstructured.Unstructured {
	s.t.Helper()
	w := s.cp.Manager("reader").MustGet(s.t, s.target.Kind.Kind, s.target.Namespace, dittofs)
	return w
}

// refused is a reconcile that must fail because of this field.
func refused(do func(context.Context, *apply.Applier, workload.Target) (apply.Result, error), manager, field string) testenv.Do {
	return testenv.Do{What: "a reconciliation as " + manager, Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		applier, err := applierFor(cp.Config(), apply.WithFieldManager(manager))
		if err != nil {
			return err
		}
		result, err := do(ctx, applier, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs})
		if got := (*apply.NotDedicatedError)(nil); !errors.As(err, &got) || got.Field != field || got.Count != 1 || result.Outcome != apply.Failed {
			return fmt.Errorf("outcome %s, error %w; want a NotDedicatedError for %s", result.Outcome, err, field)
		}
		return nil
	}}
}

// TestDedicatedFieldManager_WhatCounts has fields of ports, and others.
func TestDedicatedFieldManager_WhatCounts(t *testing.T) {
	t.Parallel()
	const api = `.spec.template.spec.containers[name="dittofs"].ports[containerPort=8080,protocol="TCP"].name`
	initContainer := `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dittofs}
spec: {template: {spec: {initContainers: [{name: init, ports: [{containerPort: 9090}]}]}}}`
	withInit := declared(workload.StatefulSet, static, fixture.Spec(`template: {spec: {initContainers: [{name: init, image: "init:1"}]}}`))
	for name, steps := range map[string][]testenv.Step{
		"a container's key and its ports are ours": {argo(static), by(alice, shares("[{name: adapter-smb, containerPort: 1445, protocol: TCP}]")),
			asManager(alice, smb, nfs), testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"}}},
		"an empty list of ports is ours": {argo(static), by(alice, shares("[]")), asManager(alice, nfs)},
		"a static port": {argo("[]"), by(alice, shares(static)), refused(applying(nfs), alice, api), refused(applying(), alice, api),
			testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP"}}},
		"a static port and an adapter's": {argo("[]"), by(alice, shares("[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 1445}]")),
			refused(applying(smb), alice, api), testenv.Expect{Change: testenv.NothingChanged}},
		"a port of an init container": {by(testenv.ArgoCD, withInit), by(alice, initContainer),
			testenv.Do{What: "a reconciliation", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
				err := reconcileAs(ctx, cp, namespace, alice, nfs)
				if got := (*apply.NotDedicatedError)(nil); !errors.As(err, &got) || !strings.HasPrefix(got.Field, ".spec.template.spec.initContainers") {
					return fmt.Errorf("the error is %w", err)
				}
				return nil
			}}},
		"what is updated under its name": {argo(static), edits(alice, `[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]`), asManager(alice, nfs)},
		"it is cleaned up": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), ourEntry(`"f:replicas":{},`, ``),
			refused(applying(nfs, smb), testenv.Portside, ".spec.replicas"), testenv.Expect{Change: testenv.NothingChanged},
			ourEntry(``, ``), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB)},
		// Row 10 takes two requests, and the first one must not take the name.
		"a name without an owner": {argo(static), wanting(smb).is(apply.Applied, ownedSMB),
			edits("gone", `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"files"}]`), testenv.Disown{Manager: "gone"},
			orphan("[{name: adapter-nfs, containerPort: 12049}]"),
			wanting(at(nfs, 12050), smb).costing("GET 1, APPLY 2").is(apply.Applied, "adapter-nfs 12050/TCP Owned portside/Apply", ownedSMB),
			testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12050/TCP"}}},
		"paused": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), ourEntry(`"f:replicas":{},`, ``), pausedNow,
			wanting(nfs).is(apply.Paused, ownedNFS)},
		"the container was removed": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer,
			edits("policy", strings.Replace(staleEntry.Data, `"f:template"`, `"f:replicas":{},"f:template"`, 1)),
			refused(func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
				return a.Apply(ctx, t, apply.Desired{Container: dittofs, Adapters: []apply.Adapter{nfs}})
			}, testenv.Portside, ".spec.replicas"), testenv.Expect{Change: testenv.NothingChanged, Containers: []string{"server"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}

func asManager(manager string, adapters ...apply.Adapter) testenv.Do {
	return testenv.Do{What: "a reconciliation as " + manager, Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		return reconcileAs(ctx, cp, namespace, manager, adapters...)
	}}
}

func reconcileAs(ctx context.Context, cp *testenv.ControlPlane, namespace, manager string, adapters ...apply.Adapter) error {
	applier, err := applierFor(cp.Config(), apply.WithFieldManager(manager))
	if err != nil {
		return err
	}
	_, err = applier.Apply(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}, apply.Desired{Adapters: adapters})
	return err
}
