package apply_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// forecast is what is known of a reconcile before its first request.
type forecast struct {
	observed *workload.Workload
	result   apply.Result
	current  bool
	err      error
}

// foresee returns the forecast for an observation. That for the trimmed one must be the
// same.
func foresee(applier *apply.Applier, observed *workload.Workload, want apply.Desired) (f forecast, err error) {
	f = forecast{observed: observed}
	f.result, f.current, f.err = upToDate(applier, observed, want)
	result, current, problem := upToDate(applier, trimmed(observed, testenv.Portside), want)
	if current != f.current || result.Outcome != f.result.Outcome || !slices.Equal(describe(result.Ports), describe(f.result.Ports)) || (problem == nil) != (f.err == nil) {
		return f, fmt.Errorf("the whole observation is up to date: %t, %s, %q, %w; the trimmed one: %t, %s, %q, %w",
			f.current, f.result.Outcome, describe(f.result.Ports), f.err, current, result.Outcome, describe(result.Ports), problem)
	}
	return f, plansAsDecided(observed, want, f.result)
}

// holdsFor checks the result of a reconcile: if the observation was up to date, the result
// is that of the forecast, and nothing changed on the server.
func (f forecast) holdsFor(is apply.Result, err error) error {
	if !f.current {
		return nil
	}
	if is.Outcome != f.result.Outcome || !slices.Equal(describe(is.Ports), describe(f.result.Ports)) || (err == nil) != (f.err == nil) {
		return fmt.Errorf("it was up to date as %s, %q, %w, and the reconcile is %s, %q, %w", f.result.Outcome, describe(f.result.Ports), f.err, is.Outcome, describe(is.Ports), err)
	}
	if is.ResourceVersion != f.observed.ResourceVersion {
		return fmt.Errorf("it was up to date at %s, and is at %s after the reconcile", f.observed.ResourceVersion, is.ResourceVersion)
	}
	return nil
}

// staysUpToDate checks that the workload is up to date after a reconcile, unless the
// server refused a port.
func staysUpToDate(applier *apply.Applier, want apply.Desired, done apply.Result) error {
	if done.Outcome == apply.TargetNotFound || done.Outcome == apply.Failed {
		return nil
	}
	f, err := foresee(applier, done.After, want)
	if err != nil {
		return err
	}
	now := apply.Unchanged
	if done.Outcome != apply.Applied {
		now = done.Outcome
	}
	kept := slices.DeleteFunc(slices.Clone(done.Ports), leaves)
	if !f.current || f.result.Outcome != now || !slices.Equal(describe(f.result.Ports), describe(kept)) {
		return fmt.Errorf("after a reconcile that was %s it is up to date: %t, as %s with %q, want %s with %q",
			done.Outcome, f.current, f.result.Outcome, describe(f.result.Ports), now, describe(kept))
	}
	return nil
}

// reportsUpToDate checks that a reconcile reports correctly whether the workload is up to
// date after it.
func reportsUpToDate(applier *apply.Applier, want apply.Desired, done apply.Result) error {
	current := false
	if done.Outcome == apply.Applied || done.Outcome == apply.Unchanged {
		var err error
		if _, current, err = upToDate(applier, done.After, want); err != nil {
			return err
		}
	}
	if done.UpToDate != current {
		return fmt.Errorf("a reconcile that was %s reports up to date: %t; it is: %t; ports %q",
			done.Outcome, done.UpToDate, current, describe(done.Ports))
	}
	return nil
}

// samePlan reports whether two decisions are the same.
func samePlan(a, b *apply.Plan) bool {
	return a.Container == b.Container && slices.Equal(a.Items, b.Items) && reflect.DeepEqual(a.Ports, b.Ports) && slices.Equal(a.Warnings, b.Warnings)
}

// plansAsDecided checks that a result has the plan that is decided on the same
// observation.
func plansAsDecided(observed *workload.Workload, want apply.Desired, is apply.Result) error {
	if _, err := observed.Container(want.Container); err != nil && observed.Service == nil {
		if is.Plan != nil {
			return fmt.Errorf("a plan for no container: %v", is.Plan)
		}
		return nil
	}
	applier, err := apply.New(nil)
	if err != nil {
		return err
	}
	plan, err := decide(applier, observed, want)
	if (err == nil) != (is.Plan != nil) || err == nil && !samePlan(plan, is.Plan) {
		return fmt.Errorf("the plan is %v, and decided is %v, %w", is.Plan, plan, err)
	}
	return nil
}

// leaves reports whether a port is reported for the last time.
func leaves(p apply.PortStatus) bool { return p.State == port.Removed || p.State == port.Released }

// expectUpToDate checks whether the live workload is up to date for this reconcile.
func (p reconcile) expectUpToDate(want bool) testenv.Do {
	return testenv.Do{What: fmt.Sprintf("up to date: %t", want), Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		var requests testenv.Requests
		applier, err := applierFor(requests.Wrap(cp.Config()))
		if err != nil {
			return err
		}
		target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
		observed, err := applier.Get(ctx, target)
		if err != nil {
			return err
		}
		f, err := foresee(applier, observed, apply.Desired{Container: p.container, Adapters: p.adapters, AllowHostNetwork: p.host})
		if err != nil {
			return err
		}
		if f.current != want {
			return fmt.Errorf("up to date: %t (%s, %q, %w)", f.current, f.result.Outcome, describe(f.result.Ports), f.err)
		}
		if requests.Total() != 1 { // the observation
			return fmt.Errorf("it took %s", &requests)
		}
		return nil
	}}
}

// Every reconcile of every story checks whether the workload is up to date before and
// after it. These are the cases without a reconcile.

func TestUpToDate(t *testing.T) {
	t.Parallel()
	const named = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
	rename := func(name string) testenv.Patch {
		return edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"`+name+`"}]`)
	}
	in := func(container string, p reconcile) reconcile {
		p.container = container
		return p
	}
	many := wanting(make([]apply.Adapter, apply.MaxAdapters+1)...)
	for name, steps := range map[string][]testenv.Step{
		"nothing desired and nothing owned": {argo(static), wanting().expectUpToDate(true), wanting(nfs).expectUpToDate(false)},
		"what we applied": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), wanting(nfs).expectUpToDate(true),
			wanting(nfs).expectUpToDate(true), wanting(nfs, smb).expectUpToDate(false), wanting(smb).expectUpToDate(false), wanting().expectUpToDate(false),
			wanting(at(nfs, 12050)).expectUpToDate(false)},
		"the number of one adapter for another": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), wanting(at(smb, 12049)).expectUpToDate(false)},
		"other managers write": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), argo("[{name: web, containerPort: 8081}]"),
			wanting(nfs).expectUpToDate(true)},
		"our port was removed":      {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), updates(testenv.KubectlReplace, static), wanting(nfs).expectUpToDate(false)},
		"only the container's left": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), updates(testenv.KubectlReplace, static), wanting().expectUpToDate(false)},
		"our port was renamed":      {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), rename("backup"), wanting(nfs).expectUpToDate(true), wanting(nfs, smb).expectUpToDate(false)},
		"our port has lost its name": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			edits(testenv.KubectlEdit, `[{"op":"remove","path":"/spec/template/spec/containers/0/ports/1/name"}]`), wanting(nfs).expectUpToDate(false)},
		"its owner declares it now": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"), wanting(nfs).expectUpToDate(false)},
		"another manager's":             {argo(named), wanting(nfs).expectUpToDate(true), wanting(nfs, smb).expectUpToDate(false)},
		"another manager's was removed": {argo(named), wanting(nfs).expectUpToDate(true), argo(static), wanting(nfs).expectUpToDate(false)},
		"unowned (row 8)":               {argo(static), orphan("[{name: nfs, containerPort: 12049}]"), wanting(nfs).expectUpToDate(true)},
		"unowned (row 10)":              {argo(static), orphan("[{name: adapter-nfs, containerPort: 12049}]"), wanting(at(nfs, 12050)).expectUpToDate(false)},
		"two items (row 11)":            {argo(named), updates(testenv.DittoFSOperator, "[{name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}]"), wanting(nfs).expectUpToDate(true)},
		"two items, one of them ours": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			updates("twice", "[{name: adapter-nfs, containerPort: 12049}, {name: nfs, containerPort: 12049}]"), wanting(nfs).expectUpToDate(false)},
		"managedFields were emptied": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), emptied, wanting(nfs).expectUpToDate(false), wanting().expectUpToDate(true)},
		"before the first apply": {argo(static), emptied, argo(static), testenv.Expect{Owners: map[string][]string{"": {argoApply, beforeFirst}}}, wanting().expectUpToDate(true), wanting(nfs).expectUpToDate(false),
			wanting(nfs).is(apply.Applied, ownedNFS), wanting(nfs).expectUpToDate(true)},
		"our entry holds more": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), ourEntry(`"f:replicas":{},`, ``), wanting(nfs).expectUpToDate(false)},
		"of the container":     {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), ourEntry(``, `"f:image":{},`), wanting(nfs).expectUpToDate(false)},
		"another container": {by(testenv.ArgoCD, twoContainers), in("sidecar", wanting(nfs)).is(apply.Applied, ownedNFS),
			in("sidecar", wanting(nfs)).expectUpToDate(true), wanting(nfs).expectUpToDate(false), wanting().expectUpToDate(false)},
		"no such container": {argo(static), in("dittosf", wanting(nfs)).expectUpToDate(true), wanting(nfs).is(apply.Applied, ownedNFS), in("dittosf", wanting(nfs)).expectUpToDate(true)},
		"the container was removed": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry,
			in(dittofs, wanting(nfs)).expectUpToDate(false), wanting(nfs).expectUpToDate(false)},
		"paused": {argo(static), pausedNow, wanting(nfs).expectUpToDate(true)},
		"paused, and the container was removed": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry, pausedNow,
			in(dittofs, wanting(nfs)).expectUpToDate(true)},
		"too many":                {argo(static), many.expectUpToDate(false)},
		"another field manager's": {argo(static), by(alice, shares("[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]")), wanting(nfs).expectUpToDate(false)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}

var (
	emptied   = edits("reset", `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
	pausedNow = edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/paused":"true"}}]`)
)

// ourEntry adds fields of the spec or of the container to our entry, the second.
func ourEntry(spec, container string) testenv.Patch {
	return edits("policy", `[{"op":"test","path":"/metadata/managedFields/1/manager","value":"portside"},{"op":"replace","path":"/metadata/managedFields/1/fieldsV1","value":
	{"f:spec":{`+spec+`"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},`+container+`"f:name":{},
	"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}}}}}}}}}]`)
}

// TestUpToDateEntries: entries that the server would not write do not record an apply that
// it accepted.
func TestUpToDateEntries(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ours := metav1.ManagedFieldsEntry{Manager: testenv.Portside, Operation: "Apply", APIVersion: "apps/v1", FieldsV1: metav1.NewFieldsV1(
		`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{},` +
			`"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}}}}}}}}`)}
	changed := func(change func(*metav1.ManagedFieldsEntry)) metav1.ManagedFieldsEntry {
		e := ours
		change(&e)
		return e
	}
	for name, c := range map[string]struct {
		entries []metav1.ManagedFieldsEntry
		want    bool
	}{
		"ours":                                  {[]metav1.ManagedFieldsEntry{ours}, true},
		"twice":                                 {[]metav1.ManagedFieldsEntry{ours, changed(func(e *metav1.ManagedFieldsEntry) { e.APIVersion = "apps/v1beta2" })}, false},
		"of another version":                    {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.APIVersion = "apps/v1beta2" })}, false},
		"of a subresource":                      {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.Subresource = "scale" })}, false},
		"of an update":                          {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.Operation = "Update" })}, false},
		"of another field manager":              {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.Manager = alice })}, false},
		"ours, and an Update entry of our name": {[]metav1.ManagedFieldsEntry{ours, {Manager: testenv.Portside, Operation: "Update", FieldsV1: metav1.NewFieldsV1(`{}`)}}, true},
	} {
		w := withPorts(c.entries, corev1.ContainerPort{Name: "adapter-nfs", ContainerPort: 12049, Protocol: "TCP"})
		if f, err := foresee(applier, w, apply.Desired{Adapters: []apply.Adapter{nfs}}); err != nil || f.current != c.want {
			t.Errorf("%s: up to date: %t, %v", name, f.current, err)
		}
	}
}

func TestUpToDateErrors(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := withPorts(nil)
	result, current, err := upToDate(applier, w, apply.Desired{Adapters: make([]apply.Adapter, apply.MaxAdapters+1)})
	if tooMany := (*apply.TooManyError)(nil); !errors.As(err, &tooMany) || current || result.Outcome != apply.Failed {
		t.Errorf("too many: %t, %s, %v", current, result.Outcome, err)
	}
	result, current, err = upToDate(applier, w, apply.Desired{Container: "other"})
	if !workload.IsContainerNotFound(err) || !current || result.Outcome != apply.ContainerNotFound {
		t.Errorf("no such container: %t, %s, %v", current, result.Outcome, err)
	}
}
