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

// Checks of what must always hold after a reconcile.

// reportsTemplateChange checks that the result reports a changed template if the ports changed.
func (h *history) reportsTemplateChange(result apply.Result, before, after *unstructured.Unstructured) error {
	if before.GetKind() == "Service" { // it has neither a template nor a generation
		return nil
	}
	changed := !slices.Equal(testenv.Ports(before, dittofs), testenv.Ports(after, dittofs))
	if result.TemplateChanged() != changed || changed != (before.GetGeneration() != after.GetGeneration()) {
		return fmt.Errorf("the template changed: reported %t, ports %t, generation %d to %d",
			result.TemplateChanged(), changed, before.GetGeneration(), after.GetGeneration())
	}
	return nil
}

// isNoOp checks that a second reconcile changes nothing, and reports the same.
func (h *history) isNoOp(first apply.Result, _, after *unstructured.Unstructured) error {
	second, err := h.applier.Apply(h.ctx, h.target(), h.desired)
	if err != nil {
		return err
	}
	if second.ResourceVersion != after.GetResourceVersion() || second.Outcome != apply.Unchanged {
		return fmt.Errorf("a second reconcile is %s, ports %q", second.Outcome, describe(second.Ports))
	}
	kept := slices.DeleteFunc(slices.Clone(first.Ports), leaves)
	if !slices.Equal(describe(kept), describe(second.Ports)) {
		return fmt.Errorf("a second reconcile reports\n%q", describe(second.Ports))
	}
	if changed := after.GetGeneration() != first.Before.Generation; changed && first.Outcome != apply.Applied {
		return fmt.Errorf("the template changed, and the outcome is %s", first.Outcome)
	}
	return nil
}

// isUntouched checks that nothing was written.
func (h *history) isUntouched(result apply.Result, before, after *unstructured.Unstructured) error {
	if result.Outcome != apply.Unchanged || before.GetResourceVersion() != after.GetResourceVersion() {
		return fmt.Errorf("from an observation at %s it is %s, and the workload went from %s to %s",
			result.Before.ResourceVersion, result.Outcome, before.GetResourceVersion(), after.GetResourceVersion())
	}
	return nil
}

// keepsEntries checks that the entries of other managers have the same fields.
func (h *history) keepsEntries(_ apply.Result, before, after *unstructured.Unstructured) error {
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
		lost := slices.DeleteFunc(was, func(path string) bool { return slices.Contains(is, path) || isRemovedWithPort(path, before) })
		if len(lost) > 0 {
			return fmt.Errorf("%s lost %q", entry.Manager, lost)
		}
	}
	return nil
}

// isRemovedWithPort reports whether a leaf is below a port that no other manager owns, so
// that it is removed with the port (fact 5).
func isRemovedWithPort(path string, before *unstructured.Unstructured) bool {
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

// isOursAlone reports whether we own the port, and no other manager its name.
func isOursAlone(owners, namers []string) bool {
	return slices.Equal(owners, []string{usApply}) && (len(namers) == 0 || slices.Contains(namers, usApply))
}

// keyOf returns number/PROTOCOL of a port as testenv.Ports writes it.
func keyOf(port string) string {
	_, key, _ := strings.Cut(port, ":")
	key, _, _ = strings.Cut(key, " ")
	key, _, _ = strings.Cut(key, "->")
	return key
}

// keepsPorts checks that ports that another manager owns or has named, and unowned ports,
// are the same, except for a name of ours that we removed.
func (h *history) keepsPorts(_ apply.Result, before, after *unstructured.Unstructured) error {
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

// isTrue checks that the reported states are true, and that we own only desired ports.
func (h *history) isTrue(result apply.Result, _, after *unstructured.Unstructured) error {
	live := testenv.Ports(after, dittofs)
	desired := map[string]bool{}
	for _, p := range result.Ports {
		key := fmt.Sprintf("%d/%s", p.Port, p.Protocol)
		owners, err := testenv.Owners(after, dittofs, key)
		if err != nil {
			return err
		}
		desired[key] = desired[key] || !leaves(p)
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
			if slices.ContainsFunc(live, func(port string) bool { return keyOf(port) == key }) && !desired[key] {
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

// ownsNoMore checks that every port in our entry is that of a desired adapter.
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
