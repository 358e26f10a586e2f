package apply_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/testenv"
)

// What must hold after a pass, whatever happened before it.

// tellsTheTemplate: whether it changed is told as the ports show it.
func (h *history) tellsTheTemplate(result apply.Result, before, after *unstructured.Unstructured) error {
	if before.GetKind() == "Service" { // it has neither a template nor a generation
		return nil
	}
	changed := !slices.Equal(testenv.Ports(before, dittofs), testenv.Ports(after, dittofs))
	if result.TemplateChanged() != changed || changed != (before.GetGeneration() != after.GetGeneration()) {
		return fmt.Errorf("the template changed: told %t, ports %t, generation %d to %d",
			result.TemplateChanged(), changed, before.GetGeneration(), after.GetGeneration())
	}
	return nil
}

// isStill: a second pass finds nothing to do, and says the same.
func (h *history) isStill(first apply.Result, _, after *unstructured.Unstructured) error {
	second, err := h.applier.Apply(h.ctx, h.target(), h.wanted)
	if err != nil {
		return err
	}
	if second.ResourceVersion != after.GetResourceVersion() || second.Outcome != apply.Unchanged {
		return fmt.Errorf("a second pass is %s, ports %q", second.Outcome, describe(second.Ports))
	}
	kept := slices.DeleteFunc(slices.Clone(first.Ports), leaves)
	if !slices.Equal(describe(kept), describe(second.Ports)) {
		return fmt.Errorf("a second pass says\n%q", describe(second.Ports))
	}
	if changed := after.GetGeneration() != first.Before.Generation; changed && first.Outcome != apply.Applied {
		return fmt.Errorf("the template changed, and the outcome is %s", first.Outcome)
	}
	return nil
}

// isUntouched: nothing was written.
func (h *history) isUntouched(result apply.Result, before, after *unstructured.Unstructured) error {
	if result.Outcome != apply.Unchanged || before.GetResourceVersion() != after.GetResourceVersion() {
		return fmt.Errorf("from a look at %s it is %s, and the workload went from %s to %s",
			result.Before.ResourceVersion, result.Outcome, before.GetResourceVersion(), after.GetResourceVersion())
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
		item := fmt.Sprintf(`ort=%s,protocol=%q].`, number, protocol)
		namers, problem := testenv.Owners(before, dittofs, key+".name")
		if err == nil && problem == nil && strings.Contains(path, item) && (len(owners) == 0 || isOursAlone(owners, namers)) {
			return true
		}
	}
	return false
}

// isOursAlone: we own the port, and nobody else has given it its name.
func isOursAlone(owners, namers []string) bool {
	return slices.Equal(owners, []string{usApply}) && (len(namers) == 0 || slices.Contains(namers, usApply))
}

// keyOf is number/PROTOCOL of a port as testenv.Ports writes it.
func keyOf(port string) string {
	_, key, _ := strings.Cut(port, ":")
	key, _, _ = strings.Cut(key, " ")
	key, _, _ = strings.Cut(key, "->")
	return key
}

// leavesOthersPorts: a port that another manager owns or has named, or that
// nobody owns, is as it was, but for a name of ours that we took back.
func (h *history) leavesOthersPorts(_ apply.Result, before, after *unstructured.Unstructured) error {
	for _, was := range testenv.Ports(before, dittofs) {
		name, _, _ := strings.Cut(was, ":")
		key := keyOf(was)
		targeted, err := testenv.Owners(before, dittofs, key+".targetPort")
		if err != nil {
			return err
		}
		now := testenv.Ports(after, dittofs)
		if !slices.ContainsFunc(targeted, func(owner string) bool { return owner != usApply }) { // where it leads is not another's
			was, now = withoutTarget(was), withoutTargets(now)
		}
		owners, err := testenv.Owners(before, dittofs, key)
		if err != nil {
			return err
		}
		namers, err := testenv.Owners(before, dittofs, key+".name")
		if err != nil {
			return err
		}
		if isOursAlone(owners, namers) || (len(owners) == 0 && strings.HasPrefix(name, port.NamePrefix)) {
			continue
		}
		unnamed := was[len(name):]
		if ours := slices.Equal(namers, []string{usApply}); !slices.Contains(now, was) && (!ours || !slices.Contains(now, unnamed)) {
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
		wanted[key] = wanted[key] || !leaves(p)
		ours, there := slices.Contains(owners, usApply), slices.ContainsFunc(live, func(port string) bool { return keyOf(port) == key && strings.HasPrefix(port, p.Name+":") })
		switch p.State {
		case port.Owned:
			if !there || !ours || len(owners) != 1 {
				return fmt.Errorf("%s is not Owned: %v", key, owners)
			}
		case port.Shared:
			if !there || !ours || len(owners) < 2 {
				return fmt.Errorf("%s is not Shared: %v", key, owners)
			}
		case port.Shadowed:
			if ours != (p.Reason == port.ReasonUnnamedPort) || (len(owners) == 0) == (len(p.Owners) > 0) {
				return fmt.Errorf("%s is not Shadowed: %v", key, owners)
			}
		case port.Retained:
			if !there || !ours {
				return fmt.Errorf("%s is not Retained: %v", key, owners)
			}
		case port.Released:
			if !there || ours || len(owners) == 0 {
				return fmt.Errorf("%s is not Released: %v", key, owners)
			}
		case port.Removed:
			if slices.ContainsFunc(live, func(port string) bool { return keyOf(port) == key }) && !wanted[key] {
				return fmt.Errorf("%s is not Removed", key)
			}
		}
	}
	return errors.Join(h.ownsNoMore(result, after), h.targetsAsDesired(result, after))
}

// withoutTarget returns a port as testenv.Ports writes it, without its target port.
func withoutTarget(port string) string {
	port, _, _ = strings.Cut(port, "->")
	return port
}

func withoutTargets(ports []string) []string {
	all := make([]string, len(ports))
	for i, p := range ports {
		all[i] = withoutTarget(p)
	}
	return all
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
			return !leaves(p) && (p.Name == name || fmt.Sprintf("%d/%s", p.Port, p.Protocol) == key)
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
