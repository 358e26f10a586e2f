package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestRandomHistories plays random histories of several managers of a workload, or of a
// Service, and checks after every reconcile what must always hold.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	for name, universe := range map[string]universe{"workload": workloads{}, "service": services{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playHistories(t, universe)
		})
	}
}

func playHistories(t *testing.T, u universe) {
	t.Helper()
	cp := testenv.Shared(t)
	applier := newApplier(t, cp)
	rapid.Check(t, func(r *rapid.T) {
		h := &history{universe: u, ctx: t.Context(), cp: cp, applier: applier, namespace: cp.Namespace(t)}
		h.first(r)
		h.owner(r)
		for range rapid.IntRange(1, 8).Draw(r, "events") {
			rapid.SampledFrom([]func(*history, *rapid.T){
				(*history).owner, (*history).other, (*history).editing, (*history).reset, (*history).disown, (*history).source, (*history).source,
			}).Draw(r, "event")(h, r)
			rapid.SampledFrom([]func(*history, *rapid.T){(*history).reconcile, (*history).reconcile, (*history).staleReconcile, (*history).observe}).Draw(r, "reconcile")(h, r)
		}
	})
}

// universe is what differs between the histories of a workload and of a Service.
type universe interface {
	kind() workload.Kind
	// variants are those of an object that needs a port to be created, each as the YAML
	// of fields of its spec. There are none for an object that needs none.
	variants() []string
	// declares returns the object as its owner declares it, and shares what a manager
	// applies that owns ports alone.
	declares(variant, ports string) any
	shares(ports string) any
	// port draws a port with a number and a name, which may be empty.
	port(r *rapid.T, name string, number int64) string
	// edit changes a port of the list, as a user does.
	edit(r *rapid.T, object *unstructured.Unstructured)
	// desires returns desired ports for the adapters.
	desires(r *rapid.T, adapters []apply.Adapter) apply.Desired
}

// history is one random history. It has few numbers and names, so that they often
// collide.
type history struct {
	universe
	ctx          context.Context
	cp           *testenv.ControlPlane
	applier      *apply.Applier
	namespace    string
	variant      string
	declared     string // by the owner
	desired      apply.Desired
	observations []*workload.Workload // before each reconcile
}

// first creates an object that needs a port.
func (h *history) first(r *rapid.T) {
	if len(h.variants()) == 0 {
		return
	}
	h.variant = rapid.SampledFrom(h.variants()).Draw(r, "variant")
	_, err := h.cp.Manager(testenv.ArgoCD).In(h.namespace).Apply(h.ctx, h.declares(h.variant, "["+h.port(r, "api", numbers[0])+"]"))
	if err != nil {
		r.Fatalf("the first apply: %v", err)
	}
}

var numbers = []int64{7001, 7002, 7003}

func (h *history) target() workload.Target {
	return workload.Target{Kind: h.kind(), Namespace: h.namespace, Name: dittofs}
}

// somePorts draws a list of ports with unique numbers and unique names.
func (h *history) somePorts(r *rapid.T, names []string) string {
	var ports []string
	free := rapid.Permutation(names).Draw(r, "names")
	for i, number := range rapid.Permutation(numbers).Draw(r, "order")[:rapid.IntRange(0, 3).Draw(r, "ports")] {
		ports = append(ports, h.port(r, free[i], number))
	}
	return "[" + strings.Join(ports, ", ") + "]"
}

// owner declares other static ports as Argo CD does, with force.
func (h *history) owner(r *rapid.T) {
	ports := h.somePorts(r, []string{"", "api", "nfs", "adapter-nfs"})
	_, err := h.cp.Manager(testenv.ArgoCD).In(h.namespace).ForceApply(h.ctx, h.declares(h.variant, ports))
	if err == nil {
		h.declared = ports
	} else if !apierrors.IsInvalid(err) { // fact 4: a name that is shared does not move
		r.Fatalf("the owner: %v", err)
	}
}

// other applies some ports as a second manager.
func (h *history) other(r *rapid.T) {
	_, err := h.cp.Manager(alice).In(h.namespace).Apply(h.ctx, h.shares(h.somePorts(r, []string{"", "", "backup", "adapter-smb"})))
	if err != nil && !apierrors.IsInvalid(err) && !apierrors.IsConflict(err) {
		r.Fatalf("the other: %v", err)
	}
}

// editing has a user change a port.
func (h *history) editing(r *rapid.T) {
	_, err := h.cp.Manager(testenv.KubectlEdit).Update(h.ctx, h.kind().Kind, h.namespace, dittofs, func(o *unstructured.Unstructured) { h.edit(r, o) })
	if err != nil && !apierrors.IsInvalid(err) {
		r.Fatalf("the edit: %v", err)
	}
}

// reset empties managedFields, which is how ports come to have no owner.
func (h *history) reset(r *rapid.T) {
	_, err := h.cp.Manager("reset").Patch(h.ctx, h.kind().Kind, h.namespace, dittofs, "application/json-patch+json",
		[]byte(`[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`))
	if err != nil {
		r.Fatalf("the reset: %v", err)
	}
}

// disown removes a manager's entry from managedFields, but never ours: it is the record of
// what we own.
func (h *history) disown(r *rapid.T) {
	which := rapid.IntRange(0, 3).Draw(r, "which")
	for i, entry := range h.live(r).GetManagedFields() {
		if entry.Manager == testenv.Portside || i < which {
			continue
		}
		_, err := h.cp.Manager("disown").Patch(h.ctx, h.kind().Kind, h.namespace, dittofs, "application/json-patch+json",
			fmt.Appendf(nil, `[{"op":"remove","path":"/metadata/managedFields/%d"}]`, i))
		if err != nil {
			r.Fatalf("the loss of an entry: %v", err)
		}
		return
	}
}

// source draws other adapters.
func (h *history) source(r *rapid.T) {
	var adapters []apply.Adapter
	for _, name := range []string{"nfs", "smb", "ftp"} {
		port, active := rapid.SampledFrom(append(numbers, 0)).Draw(r, "port"), rapid.Bool().Draw(r, "active")
		if active {
			adapters = append(adapters, apply.Adapter{Type: name, Port: port})
		}
	}
	h.desired = h.desires(r, adapters)
}

func (h *history) live(r *rapid.T) *unstructured.Unstructured {
	live, err := h.cp.Manager("testenv").Get(h.ctx, h.kind().Kind, h.namespace, dittofs)
	if err != nil {
		r.Fatal(err)
	}
	return live
}

// observe keeps an observation for a later reconcile, and checks it.
func (h *history) observe(r *rapid.T) {
	observed, err := h.applier.Get(h.ctx, h.target())
	if err != nil {
		r.Fatal(err)
	}
	h.observations = append(h.observations, observed)
	if err := sameTrimmed(h.applier, observed, h.desired); err != nil {
		r.Fatal(err)
	}
}

// reconcile reconciles, from an observation of its own or from a current one, and checks
// what must hold after every reconcile.
func (h *history) reconcile(r *rapid.T) {
	before := h.live(r)
	h.observe(r)
	observed, want := h.observations[len(h.observations)-1], h.desired
	known, err := foresee(h.applier, observed, want)
	if err != nil {
		r.Fatal(err)
	}
	var result apply.Result
	switch rapid.IntRange(0, 2).Draw(r, "look") {
	case 0:
		result, err = h.applier.Apply(h.ctx, h.target(), want)
	case 1:
		result, err = applyFrom(h.ctx, h.applier, observed, want)
	default:
		result, err = applyFrom(h.ctx, h.applier, trimmed(observed, testenv.Portside), want)
	}
	if err != nil {
		r.Fatalf("reconcile: %v; desired %v, live %q", err, h.desired, testenv.Ports(before, dittofs))
	}
	err = errors.Join(known.holdsFor(result, err), staysUpToDate(h.applier, want, result), reportsUpToDate(h.applier, want, result))
	if err != nil {
		r.Fatalf("%v; desired %v, live %q", err, h.desired, testenv.Ports(before, dittofs))
	}
	h.checkAll(r, result, before)
}

// staleReconcile reconciles from an old observation: the result is that of a reconcile
// from a current one, or Unchanged.
func (h *history) staleReconcile(r *rapid.T) {
	if len(h.observations) == 0 {
		return
	}
	before := h.live(r)
	observed := rapid.SampledFrom(h.observations).Draw(r, "stale observation")
	if rapid.Bool().Draw(r, "reduced") {
		observed = trimmed(observed, testenv.Portside)
	}
	result, err := applyFrom(h.ctx, h.applier, observed, h.desired)
	if err != nil {
		r.Fatalf("reconcile from an observation at %s: %v; desired %v, live %q", observed.ResourceVersion, err, h.desired, testenv.Ports(before, dittofs))
	}
	if result.Before.ResourceVersion != before.GetResourceVersion() {
		h.check(r, result, before, (*history).isUntouched)
		return
	}
	h.checkAll(r, result, before)
}

func (h *history) checkAll(r *rapid.T, result apply.Result, before *unstructured.Unstructured) {
	h.check(r, result, before,
		(*history).isNoOp, (*history).keepsEntries, (*history).keepsPorts, (*history).isTrue, (*history).reportsTemplateChange, (*history).keepsNodePorts)
}

type check func(h *history, result apply.Result, before, after *unstructured.Unstructured) error

func (h *history) check(r *rapid.T, result apply.Result, before *unstructured.Unstructured, checks ...check) {
	after := h.live(r)
	for _, check := range checks {
		if err := check(h, result, before, after); err != nil {
			r.Fatalf("%v\nowner declares %s\nwanted %v\nbefore %q\nafter  %q\nports %q\nmanagedFields before %s", err, h.declared, h.desired,
				testenv.Ports(before, dittofs), testenv.Ports(after, dittofs), describe(result.Ports), entriesOf(before))
		}
	}
}

// workloads are histories of StatefulSets.
type workloads struct{}

func (workloads) kind() workload.Kind     { return workload.StatefulSet }
func (workloads) variants() []string      { return nil }
func (workloads) shares(ports string) any { return shares(ports) }
func (workloads) declares(_, ports string) any {
	return declared(workload.StatefulSet, ports)
}

func (workloads) port(r *rapid.T, name string, number int64) string {
	if name != "" {
		name = "name: " + name + ", "
	}
	host := ""
	if rapid.IntRange(0, 3).Draw(r, "host") == 0 {
		host = fmt.Sprintf(", hostPort: %d, hostIP: 127.0.0.1", number+20000)
	}
	return fmt.Sprintf("{%scontainerPort: %d, protocol: TCP%s}", name, number, host)
}

// edit changes, adds or removes the name of one port.
func (workloads) edit(r *rapid.T, w *unstructured.Unstructured) {
	testenv.EditContainer(w, dittofs, func(c map[string]any) {
		ports, _ := c["ports"].([]any)
		editName(r, ports)
	})
}

// editName changes, adds or removes the name of one of the ports.
func editName(r *rapid.T, ports []any) {
	name := rapid.SampledFrom([]string{"", "edited", "adapter-nfs", "adapter-smb"}).Draw(r, "name")
	which := rapid.IntRange(0, 5).Draw(r, "which")
	if len(ports) == 0 {
		return
	}
	port := ports[which%len(ports)].(map[string]any)
	if port["name"] = name; name == "" {
		delete(port, "name")
	}
}

func (workloads) desires(_ *rapid.T, adapters []apply.Adapter) apply.Desired {
	return apply.Desired{Adapters: adapters}
}
