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
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// foretold is what is known of a pass before its first request.
type foretold struct {
	look   *workload.Workload
	result apply.Result
	stands bool
	err    error
}

// foretell asks what stands, of the whole look and of the reduced one, which
// must say the same.
func foretell(applier *apply.Applier, look *workload.Workload, want apply.Desired) (f foretold, err error) {
	f = foretold{look: look}
	f.result, f.stands, f.err = upToDate(applier, look, want)
	result, stands, problem := upToDate(applier, trimmed(look, testenv.Portside), want)
	if stands != f.stands || result.Outcome != f.result.Outcome || !slices.Equal(describe(result.Ports), describe(f.result.Ports)) || (problem == nil) != (f.err == nil) {
		return f, fmt.Errorf("standing of the whole look: %t, %s, %q, %w; of the reduced one: %t, %s, %q, %w",
			f.stands, f.result.Outcome, describe(f.result.Ports), f.err, stands, result.Outcome, describe(result.Ports), problem)
	}
	return f, decidedAsTold(look, want, f.result)
}

// cameTrue: what stood before the pass is what the pass came to, without any
// change on the server.
func (f foretold) cameTrue(is apply.Result, err error) error {
	if !f.stands {
		return nil
	}
	if is.Outcome != f.result.Outcome || !slices.Equal(describe(is.Ports), describe(f.result.Ports)) || (err == nil) != (f.err == nil) {
		return fmt.Errorf("it stood as %s, %q, %w, and the pass is %s, %q, %w", f.result.Outcome, describe(f.result.Ports), f.err, is.Outcome, describe(is.Ports), err)
	}
	if is.ResourceVersion != f.look.ResourceVersion {
		return fmt.Errorf("it stood at %s, and the pass left it at %s", f.look.ResourceVersion, is.ResourceVersion)
	}
	return nil
}

// stands: what a pass came to stands afterwards, unless the server refused a
// port of it.
func stands(applier *apply.Applier, want apply.Desired, done apply.Result) error {
	if done.Outcome == apply.TargetNotFound || done.Outcome == apply.Failed {
		return nil
	}
	f, err := foretell(applier, done.After, want)
	if err != nil {
		return err
	}
	now := apply.Unchanged
	if done.Outcome != apply.Applied {
		now = done.Outcome
	}
	kept := slices.DeleteFunc(slices.Clone(done.Ports), leaves)
	if !f.stands || f.result.Outcome != now || !slices.Equal(describe(f.result.Ports), describe(kept)) {
		return fmt.Errorf("after a pass that was %s, standing is %t as %s with %q, want %s with %q",
			done.Outcome, f.stands, f.result.Outcome, describe(f.result.Ports), now, describe(kept))
	}
	return nil
}

// standsAsTold: a pass says of its end what is found to stand when it is asked
// anew.
func standsAsTold(applier *apply.Applier, want apply.Desired, done apply.Result) error {
	stands := false
	if done.Outcome == apply.Applied || done.Outcome == apply.Unchanged {
		var err error
		if _, stands, err = upToDate(applier, done.After, want); err != nil {
			return err
		}
	}
	if done.UpToDate != stands {
		return fmt.Errorf("a pass that was %s says of its end that it stands: %t; it does: %t; ports %q",
			done.Outcome, done.UpToDate, stands, describe(done.Ports))
	}
	return nil
}

// samePlan reports whether two decisions are the same.
func samePlan(a, b *apply.Plan) bool {
	return a.Container == b.Container && slices.Equal(a.Items, b.Items) && reflect.DeepEqual(a.Ports, b.Ports) && slices.Equal(a.Warnings, b.Warnings)
}

// decidedAsTold: what stands, or not, has the intent that is decided on the same
// look.
func decidedAsTold(look *workload.Workload, want apply.Desired, is apply.Result) error {
	if _, err := look.Container(want.Container); err != nil && look.Service == nil {
		if is.Plan != nil {
			return fmt.Errorf("a plan for no container: %v", is.Plan)
		}
		return nil
	}
	applier, err := apply.New(nil)
	if err != nil {
		return err
	}
	plan, err := decide(applier, look, want)
	if (err == nil) != (is.Plan != nil) || err == nil && !samePlan(plan, is.Plan) {
		return fmt.Errorf("the plan is %v, and decided is %v, %w", is.Plan, plan, err)
	}
	return nil
}

// leaves tells of a port that the pass before it has told of for the last time.
func leaves(p apply.PortStatus) bool { return p.State == port.Removed || p.State == port.Released }

// standing asks of the live workload what stands for this pass.
func (p pass) standing(want bool) testenv.Do {
	return testenv.Do{What: fmt.Sprintf("it stands: %t", want), Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		var requests testenv.Requests
		client, err := appsclient.NewForConfig(requests.Wrap(cp.Config()))
		if err != nil {
			return err
		}
		applier, err := apply.New(workload.ClientGo(client))
		if err != nil {
			return err
		}
		target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
		look, err := applier.Get(ctx, target)
		if err != nil {
			return err
		}
		f, err := foretell(applier, look, apply.Desired{Container: p.container, Adapters: p.wants, AllowHostNetwork: p.host})
		if err != nil {
			return err
		}
		if f.stands != want {
			return fmt.Errorf("it stands: %t (%s, %q, %w)", f.stands, f.result.Outcome, describe(f.result.Ports), f.err)
		}
		if requests.Total() != 1 { // the look
			return fmt.Errorf("it took %s", &requests)
		}
		return nil
	}}
}

// Every pass of every story is asked what stood before it and what stands after
// it; these are the cases that need asking without a pass.

func TestWhatStands(t *testing.T) {
	t.Parallel()
	const named = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
	rename := func(name string) testenv.Patch {
		return edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"`+name+`"}]`)
	}
	in := func(container string, p pass) pass {
		p.container = container
		return p
	}
	many := wanting(make([]apply.Adapter, apply.MaxAdapters+1)...)
	for name, steps := range map[string][]testenv.Step{
		"nothing wanted and nothing ours": {argo(static), wanting().standing(true), wanting(nfs).standing(false)},
		"what we applied": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), wanting(nfs).standing(true),
			wanting(nfs).standing(true), wanting(nfs, smb).standing(false), wanting(smb).standing(false), wanting().standing(false),
			wanting(at(nfs, 12050)).standing(false)},
		"the number of one adapter for another": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), wanting(at(smb, 12049)).standing(false)},
		"others write beside us": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), argo("[{name: web, containerPort: 8081}]"),
			wanting(nfs).standing(true)},
		"our port was taken away":   {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), updates(testenv.KubectlReplace, static), wanting(nfs).standing(false)},
		"only the container's left": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), updates(testenv.KubectlReplace, static), wanting().standing(false)},
		"our port was renamed":      {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), rename("backup"), wanting(nfs).standing(true), wanting(nfs, smb).standing(false)},
		"our port has lost its name": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			edits(testenv.KubectlEdit, `[{"op":"remove","path":"/spec/template/spec/containers/0/ports/1/name"}]`), wanting(nfs).standing(false)},
		"its owner declares it now": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"), wanting(nfs).standing(false)},
		"theirs":             {argo(named), wanting(nfs).standing(true), wanting(nfs, smb).standing(false)},
		"theirs has gone":    {argo(named), wanting(nfs).standing(true), argo(static), wanting(nfs).standing(false)},
		"nobody's (row 8)":   {argo(static), orphan("[{name: nfs, containerPort: 12049}]"), wanting(nfs).standing(true)},
		"nobody's (row 10)":  {argo(static), orphan("[{name: adapter-nfs, containerPort: 12049}]"), wanting(at(nfs, 12050)).standing(false)},
		"two items (row 11)": {argo(named), updates(testenv.DittoFSOperator, "[{name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}]"), wanting(nfs).standing(true)},
		"two items, one of them ours": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			updates("twice", "[{name: adapter-nfs, containerPort: 12049}, {name: nfs, containerPort: 12049}]"), wanting(nfs).standing(false)},
		"managedFields were emptied": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), emptied, wanting(nfs).standing(false), wanting().standing(true)},
		"before the first apply": {argo(static), emptied, argo(static), testenv.Expect{Owners: map[string][]string{"": {argoApply, beforeFirst}}}, wanting().standing(true), wanting(nfs).standing(false),
			wanting(nfs).is(apply.Applied, ownedNFS), wanting(nfs).standing(true)},
		"our entry holds more": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), ourEntry(`"f:replicas":{},`, ``), wanting(nfs).standing(false)},
		"of the container":     {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), ourEntry(``, `"f:image":{},`), wanting(nfs).standing(false)},
		"another container": {by(testenv.ArgoCD, twoContainers), in("sidecar", wanting(nfs)).is(apply.Applied, ownedNFS),
			in("sidecar", wanting(nfs)).standing(true), wanting(nfs).standing(false), wanting().standing(false)},
		"no such container": {argo(static), in("dittosf", wanting(nfs)).standing(true), wanting(nfs).is(apply.Applied, ownedNFS), in("dittosf", wanting(nfs)).standing(true)},
		"the container is gone": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry,
			in(dittofs, wanting(nfs)).standing(false), wanting(nfs).standing(false)},
		"paused": {argo(static), pausedNow, wanting(nfs).standing(true)},
		"paused, and the container is gone": {argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry, pausedNow,
			in(dittofs, wanting(nfs)).standing(true)},
		"too many":                {argo(static), many.standing(false)},
		"another field manager's": {argo(static), by(alice, shares("[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]")), wanting(nfs).standing(false)},
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

// ourEntry makes ours, the second, hold more: of the spec, or of the container.
func ourEntry(spec, container string) testenv.Patch {
	return edits("policy", `[{"op":"test","path":"/metadata/managedFields/1/manager","value":"portside"},{"op":"replace","path":"/metadata/managedFields/1/fieldsV1","value":
	{"f:spec":{`+spec+`"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},`+container+`"f:name":{},
	"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}}}}}}}}}]`)
}

// TestStandingOnOurOneEntry: entries as the server would not leave them are no
// record of an apply that it accepted.
func TestStandingOnOurOneEntry(t *testing.T) {
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
		"ours":                      {[]metav1.ManagedFieldsEntry{ours}, true},
		"twice":                     {[]metav1.ManagedFieldsEntry{ours, changed(func(e *metav1.ManagedFieldsEntry) { e.APIVersion = "apps/v1beta2" })}, false},
		"of another version":        {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.APIVersion = "apps/v1beta2" })}, false},
		"of a subresource":          {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.Subresource = "scale" })}, false},
		"of an update":              {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.Operation = "Update" })}, false},
		"of another field manager":  {[]metav1.ManagedFieldsEntry{changed(func(e *metav1.ManagedFieldsEntry) { e.Manager = alice })}, false},
		"ours, beside an update of": {[]metav1.ManagedFieldsEntry{ours, {Manager: testenv.Portside, Operation: "Update", FieldsV1: metav1.NewFieldsV1(`{}`)}}, true},
	} {
		w := withPorts(c.entries, corev1.ContainerPort{Name: "adapter-nfs", ContainerPort: 12049, Protocol: "TCP"})
		if f, err := foretell(applier, w, apply.Desired{Adapters: []apply.Adapter{nfs}}); err != nil || f.stands != c.want {
			t.Errorf("%s: it stands: %t, %v", name, f.stands, err)
		}
	}
}

func TestStandingErrors(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := withPorts(nil)
	result, stands, err := upToDate(applier, w, apply.Desired{Adapters: make([]apply.Adapter, apply.MaxAdapters+1)})
	if tooMany := (*apply.TooManyError)(nil); !errors.As(err, &tooMany) || stands || result.Outcome != apply.Failed {
		t.Errorf("too many: %t, %s, %v", stands, result.Outcome, err)
	}
	result, stands, err = upToDate(applier, w, apply.Desired{Container: "other"})
	if !workload.IsContainerNotFound(err) || !stands || result.Outcome != apply.ContainerNotFound {
		t.Errorf("no such container: %t, %s, %v", stands, result.Outcome, err)
	}
}
