package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// TestRandomHistories plays random histories of several managers and asks after
// every pass for what must hold whatever happened before.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	applier := newApplier(t, cp)
	rapid.Check(t, func(r *rapid.T) {
		h := &history{ctx: t.Context(), cp: cp, applier: applier, namespace: cp.Namespace(t)}
		h.owner(r)
		for range rapid.IntRange(1, 8).Draw(r, "events") {
			rapid.SampledFrom([]func(*history, *rapid.T){
				(*history).owner, (*history).other, (*history).edit, (*history).reset, (*history).disown, (*history).source, (*history).source,
			}).Draw(r, "event")(h, r)
			rapid.SampledFrom([]func(*history, *rapid.T){(*history).pass, (*history).pass, (*history).stalePass, (*history).look}).Draw(r, "pass")(h, r)
		}
	})
}

// history is one random history. The universe is small, so that numbers and
// names collide all the time.
type history struct {
	ctx       context.Context
	cp        *testenv.ControlPlane
	applier   *apply.Applier
	namespace string
	declared  string // by the owner
	wanted    []apply.Adapter
	looks     []*apply.Workload // before each pass
}

var numbers = []int64{7001, 7002, 7003}

func (h *history) target() apply.Target {
	return apply.Target{Kind: apply.StatefulSet, Namespace: h.namespace, Name: dittofs}
}

// somePorts draws a list of ports with unique numbers and unique names.
func somePorts(r *rapid.T, names []string) string {
	var ports []string
	free := rapid.Permutation(names).Draw(r, "names")
	for i, number := range rapid.Permutation(numbers).Draw(r, "order")[:rapid.IntRange(0, 3).Draw(r, "ports")] {
		name := ""
		if free[i] != "" {
			name = "name: " + free[i] + ", "
		}
		host := ""
		if rapid.IntRange(0, 3).Draw(r, "host") == 0 {
			host = fmt.Sprintf(", hostPort: %d, hostIP: 127.0.0.1", number+20000)
		}
		ports = append(ports, fmt.Sprintf("{%scontainerPort: %d, protocol: TCP%s}", name, number, host))
	}
	return "[" + strings.Join(ports, ", ") + "]"
}

// owner has Argo CD's manager declare other static ports, by force as it does.
func (h *history) owner(r *rapid.T) {
	ports := somePorts(r, []string{"", "api", "nfs", "adapter-nfs"})
	_, err := h.cp.Manager(testenv.ArgoCD).In(h.namespace).ForceApply(h.ctx, declared(apply.StatefulSet, ports))
	if err == nil {
		h.declared = ports
	} else if !apierrors.IsInvalid(err) { // fact 4: a name that is shared does not move
		r.Fatalf("the owner: %v", err)
	}
}

// other has a second manager share ports.
func (h *history) other(r *rapid.T) {
	_, err := h.cp.Manager(alice).In(h.namespace).Apply(h.ctx, shares(somePorts(r, []string{"", "", "backup", "adapter-smb"})))
	if err != nil && !apierrors.IsInvalid(err) && !apierrors.IsConflict(err) {
		r.Fatalf("the other: %v", err)
	}
}

// edit has a user change, add or remove the name of one port.
func (h *history) edit(r *rapid.T) {
	name := rapid.SampledFrom([]string{"", "edited", "adapter-nfs", "adapter-smb"}).Draw(r, "name")
	which := rapid.IntRange(0, 5).Draw(r, "which")
	_, err := h.cp.Manager(testenv.KubectlEdit).Update(h.ctx, "StatefulSet", h.namespace, dittofs, func(w *unstructured.Unstructured) {
		testenv.EditContainer(w, dittofs, func(c map[string]any) {
			ports, _ := c["ports"].([]any)
			if len(ports) == 0 {
				return
			}
			port := ports[which%len(ports)].(map[string]any)
			if port["name"] = name; name == "" {
				delete(port, "name")
			}
		})
	})
	if err != nil && !apierrors.IsInvalid(err) {
		r.Fatalf("the edit: %v", err)
	}
}

// reset empties managedFields, which is how ports come to have no owner.
func (h *history) reset(r *rapid.T) {
	_, err := h.cp.Manager("reset").Patch(h.ctx, "StatefulSet", h.namespace, dittofs, "application/json-patch+json",
		[]byte(`[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`))
	if err != nil {
		r.Fatalf("the reset: %v", err)
	}
}

// disown takes one manager's entry out of managedFields, but never ours: what we
// own is what it says.
func (h *history) disown(r *rapid.T) {
	which := rapid.IntRange(0, 3).Draw(r, "which")
	for i, entry := range h.live(r).GetManagedFields() {
		if entry.Manager == testenv.Portside || i < which {
			continue
		}
		_, err := h.cp.Manager("disown").Patch(h.ctx, "StatefulSet", h.namespace, dittofs, "application/json-patch+json",
			fmt.Appendf(nil, `[{"op":"remove","path":"/metadata/managedFields/%d"}]`, i))
		if err != nil {
			r.Fatalf("the loss of an entry: %v", err)
		}
		return
	}
}

// source draws other adapters.
func (h *history) source(r *rapid.T) {
	h.wanted = nil
	for _, name := range []string{"nfs", "smb", "ftp"} {
		h.wanted = append(h.wanted, apply.Adapter{
			Type: name, Port: rapid.SampledFrom(append(numbers, 0)).Draw(r, "port"), Enabled: true,
			Running: rapid.Bool().Draw(r, "running"),
		})
	}
}

func (h *history) live(r *rapid.T) *unstructured.Unstructured {
	live, err := h.cp.Manager("testenv").Get(h.ctx, "StatefulSet", h.namespace, dittofs)
	if err != nil {
		r.Fatal(err)
	}
	return live
}

// look keeps a look for a pass that comes later, and asks what stands: where
// the intent does, a pass changes nothing.
func (h *history) look(r *rapid.T) {
	look, err := h.applier.Look(h.ctx, h.target())
	if err != nil {
		r.Fatal(err)
	}
	h.looks = append(h.looks, look)
	if err := reducesWell(h.applier, look, apply.Wanted{Adapters: h.wanted}); err != nil {
		r.Fatal(err)
	}
}

// pass makes a pass, from a look of its own or from one that is up to date, and
// checks what must hold after every one.
func (h *history) pass(r *rapid.T) {
	before := h.live(r)
	h.look(r)
	look, want := h.looks[len(h.looks)-1], apply.Wanted{Adapters: h.wanted}
	known, err := foretell(h.applier, look, "", want)
	if err != nil {
		r.Fatal(err)
	}
	var result apply.Result
	switch rapid.IntRange(0, 2).Draw(r, "look") {
	case 0:
		result, err = h.applier.Pass(h.ctx, h.target(), want)
	case 1:
		result, err = h.applier.PassOn(h.ctx, look, "", want)
	default:
		result, err = h.applier.PassOn(h.ctx, look.Reduced(), "", want)
	}
	if err != nil {
		r.Fatalf("pass: %v; wanted %v, live %q", err, h.wanted, testenv.Ports(before, dittofs))
	}
	err = errors.Join(known.cameTrue(result, err), stands(h.applier, "", want, result))
	if err != nil {
		r.Fatalf("%v; wanted %v, live %q", err, h.wanted, testenv.Ports(before, dittofs))
	}
	h.check(r, result, before,
		(*history).isStill, (*history).leavesOthersEntries, (*history).leavesOthersPorts, (*history).isTrue, (*history).tellsTheTemplate)
}

// stalePass makes a pass from some look that was true once: it may do less than
// is wanted, but no harm to others.
func (h *history) stalePass(r *rapid.T) {
	if len(h.looks) == 0 {
		return
	}
	before := h.live(r)
	look := rapid.SampledFrom(h.looks).Draw(r, "stale look")
	if rapid.Bool().Draw(r, "reduced") {
		look = look.Reduced()
	}
	result, err := h.applier.PassOn(h.ctx, look, "", apply.Wanted{Adapters: h.wanted})
	if err != nil {
		r.Fatalf("pass from a look at %s: %v; wanted %v, live %q", look.ResourceVersion, err, h.wanted, testenv.Ports(before, dittofs))
	}
	h.check(r, result, before, (*history).leavesOthersEntries, (*history).leavesOwnedPorts)
}

type check func(h *history, result apply.Result, before, after *unstructured.Unstructured) error

func (h *history) check(r *rapid.T, result apply.Result, before *unstructured.Unstructured, checks ...check) {
	after := h.live(r)
	for _, check := range checks {
		if err := check(h, result, before, after); err != nil {
			r.Fatalf("%v\nowner declares %s\nwanted %v\nbefore %q\nafter  %q\nports %q\nmanagedFields before %s", err, h.declared, h.wanted,
				testenv.Ports(before, dittofs), testenv.Ports(after, dittofs), describe(result.Ports), entriesOf(before))
		}
	}
}

// tellsTheTemplate: whether it changed is told as the ports show it.
func (h *history) tellsTheTemplate(result apply.Result, before, after *unstructured.Unstructured) error {
	changed := !slices.Equal(testenv.Ports(before, dittofs), testenv.Ports(after, dittofs))
	if result.TemplateChanged() != changed || changed != (before.GetGeneration() != after.GetGeneration()) {
		return fmt.Errorf("the template changed: told %t, ports %t, generation %d to %d",
			result.TemplateChanged(), changed, before.GetGeneration(), after.GetGeneration())
	}
	return nil
}

// isStill: a second pass finds nothing to do, and says the same.
func (h *history) isStill(first apply.Result, _, after *unstructured.Unstructured) error {
	second, err := h.applier.Pass(h.ctx, h.target(), apply.Wanted{Adapters: h.wanted})
	if err != nil {
		return err
	}
	if second.ResourceVersion != after.GetResourceVersion() || second.Outcome != apply.Unchanged {
		return fmt.Errorf("a second pass is %s, ports %q", second.Outcome, describe(second.Ports))
	}
	kept := slices.DeleteFunc(slices.Clone(first.Ports), func(p apply.PortStatus) bool { return p.State == apply.Removed })
	if !slices.Equal(describe(kept), describe(second.Ports)) {
		return fmt.Errorf("a second pass says\n%q", describe(second.Ports))
	}
	if changed := after.GetGeneration() != first.Before.Generation; changed && first.Outcome != apply.Applied {
		return fmt.Errorf("the template changed, and the outcome is %s", first.Outcome)
	}
	return nil
}

// leavesOthersEntries: what any other manager's entry holds is the same.
func (h *history) leavesOthersEntries(_ apply.Result, before, after *unstructured.Unstructured) error {
	for _, entry := range before.GetManagedFields() {
		if entry.Manager == testenv.Portside {
			continue
		}
		was, err := testenv.Entry(before, entry.Manager, entry.Operation)
		if err != nil {
			return err
		}
		is, err := testenv.Entry(after, entry.Manager, entry.Operation)
		if err != nil {
			return err
		}
		lost := slices.DeleteFunc(was, func(path string) bool { return slices.Contains(is, path) || goesWithOurs(path, before) })
		if len(lost) > 0 {
			return fmt.Errorf("%s lost %q", entry.Manager, lost)
		}
	}
	return nil
}

// goesWithOurs: a leaf below a port that nobody else owns goes with the port
// (fact 5).
func goesWithOurs(path string, before *unstructured.Unstructured) bool {
	for _, port := range testenv.Ports(before, dittofs) {
		key := keyOf(port)
		owners, err := testenv.Owners(before, dittofs, key)
		number, protocol, _ := strings.Cut(key, "/")
		item := fmt.Sprintf(`.ports[containerPort=%s,protocol=%q].`, number, protocol)
		if err == nil && strings.Contains(path, item) && (len(owners) == 0 || slices.Equal(owners, []string{usApply})) {
			return true
		}
	}
	return false
}

// keyOf is number/PROTOCOL of a port as testenv.Ports writes it.
func keyOf(port string) string {
	_, key, _ := strings.Cut(port, ":")
	key, _, _ = strings.Cut(key, " ")
	return key
}

// leavesOthersPorts: a port that another manager owns is as it was, but for a
// name of ours that we took back.
func (h *history) leavesOthersPorts(_ apply.Result, before, after *unstructured.Unstructured) error {
	return leavesPorts(before, after, func([]string) bool { return true })
}

// leavesOwnedPorts: the same of ports that somebody owns. Nobody's port that a
// stale look does not have, the server gives to who applies its number.
func (h *history) leavesOwnedPorts(_ apply.Result, before, after *unstructured.Unstructured) error {
	return leavesPorts(before, after, func(owners []string) bool { return len(owners) > 0 })
}

func leavesPorts(before, after *unstructured.Unstructured, concerns func(owners []string) bool) error {
	now := testenv.Ports(after, dittofs)
	for _, port := range testenv.Ports(before, dittofs) {
		name, _, _ := strings.Cut(port, ":")
		key := keyOf(port)
		owners, err := testenv.Owners(before, dittofs, key)
		if err != nil {
			return err
		}
		if !concerns(owners) || slices.Equal(owners, []string{usApply}) || (len(owners) == 0 && strings.HasPrefix(name, apply.NamePrefix)) {
			continue
		}
		namers, err := testenv.Owners(before, dittofs, key+".name")
		if err != nil {
			return err
		}
		unnamed := port[len(name):]
		if ours := slices.Equal(namers, []string{usApply}); !slices.Contains(now, port) && (!ours || !slices.Contains(now, unnamed)) {
			return fmt.Errorf("%s of %v, named %q by %v, is not as it was", key, owners, name, namers)
		}
	}
	return nil
}

// isTrue: what is said of a port is so, and we own nothing that is not wanted.
func (h *history) isTrue(result apply.Result, _, after *unstructured.Unstructured) error {
	live := testenv.Ports(after, dittofs)
	wanted := map[string]bool{}
	for _, p := range result.Ports {
		key := fmt.Sprintf("%d/%s", p.Port, p.Protocol)
		owners, err := testenv.Owners(after, dittofs, key)
		if err != nil {
			return err
		}
		wanted[key] = wanted[key] || p.State != apply.Removed
		ours, there := slices.Contains(owners, usApply), slices.ContainsFunc(live, func(port string) bool { return keyOf(port) == key && strings.HasPrefix(port, p.Name+":") })
		switch p.State {
		case apply.Owned:
			if !there || !ours || len(owners) != 1 {
				return fmt.Errorf("%s is not Owned: %v", key, owners)
			}
		case apply.Shared:
			if !there || !ours || len(owners) < 2 {
				return fmt.Errorf("%s is not Shared: %v", key, owners)
			}
		case apply.Shadowed:
			if ours || (len(owners) == 0) == (len(p.Owners) > 0) {
				return fmt.Errorf("%s is not Shadowed: %v", key, owners)
			}
		case apply.Removed:
			if slices.ContainsFunc(live, func(port string) bool { return keyOf(port) == key }) && !wanted[key] {
				return fmt.Errorf("%s is not Removed", key)
			}
		}
	}
	return h.ownsNoMore(result, after)
}

// ownsNoMore: every port in our entry is of a wanted adapter.
func (h *history) ownsNoMore(result apply.Result, after *unstructured.Unstructured) error {
	for _, port := range testenv.Ports(after, dittofs) {
		name, _, _ := strings.Cut(port, ":")
		key := keyOf(port)
		owners, err := testenv.Owners(after, dittofs, key)
		if err != nil {
			return err
		}
		if !slices.Contains(owners, usApply) {
			continue
		}
		known := slices.ContainsFunc(result.Ports, func(p apply.PortStatus) bool {
			return p.State != apply.Removed && (p.Name == name || fmt.Sprintf("%d/%s", p.Port, p.Protocol) == key)
		})
		if !known {
			return fmt.Errorf("we own %s, which is not wanted", port)
		}
	}
	return nil
}

func entriesOf(w *unstructured.Unstructured) string {
	var s strings.Builder
	for _, e := range w.GetManagedFields() {
		fmt.Fprintf(&s, "\n  %s %s", testenv.Owner(e.Manager, e.Operation), e.FieldsV1)
	}
	return s.String()
}
