package histories

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/oracle"
)

// changesNothingElse checks that what is not of the list of ports is as it was: the rest of
// the spec, fields of ports that are never ours, and the entries of other managers.
func (p *Player) changesNothingElse(before, after *unstructured.Unstructured) error {
	if was, is := p.besides(before), p.besides(after); !reflect.DeepEqual(was, is) {
		return fmt.Errorf("the rest of the spec was %v, and is %v", was, is)
	}
	was, is := p.hostPorts(before), p.hostPorts(after)
	for key, host := range is {
		if old, stays := was[key]; stays && old != host {
			return fmt.Errorf("the host port of %s was %s, and is %s", key, old, host)
		}
	}
	for _, e := range before.GetManagedFields() {
		if e.Manager == testenv.Portside {
			continue
		}
		was, is := withoutPorts(e.FieldsV1.String()), withoutPorts(entryOf(after.GetManagedFields(), e.Manager, e.Operation))
		if !reflect.DeepEqual(was, is) {
			return fmt.Errorf("%s owned %v, and owns %v", testenv.Owner(e.Manager, e.Operation), was, is)
		}
	}
	return nil
}

// besides returns the spec without its list of ports.
func (p *Player) besides(object *unstructured.Unstructured) any {
	o := &unstructured.Unstructured{Object: map[string]any{"kind": object.GetKind(), "spec": object.DeepCopy().Object["spec"]}}
	p.Kind.setPorts(o, nil)
	return o.Object
}

// hostPorts returns what a container's ports have besides a name, by their keys, without
// those of which there are two.
func (p *Player) hostPorts(object *unstructured.Unstructured) map[string]string {
	hosts, twice := map[string]string{}, map[string]bool{}
	for _, item := range p.Kind.ports(object) {
		if port, ok := item.(map[string]any); ok {
			key := fmt.Sprint(port[p.Kind.numberField()], port["protocol"])
			_, twice[key] = hosts[key]
			hosts[key] = fmt.Sprint(port["hostPort"], port["hostIP"])
		}
	}
	maps.DeleteFunc(hosts, func(key, _ string) bool { return twice[key] })
	return hosts
}

// withoutPorts returns a set of fields without what is below lists of ports. What has
// nothing else is left out.
func withoutPorts(fields string) map[string]any {
	var set map[string]any
	if json.Unmarshal([]byte(fields), &set) != nil {
		return nil
	}
	var strip func(map[string]any)
	strip = func(m map[string]any) {
		for key, below := range m {
			inner, _ := below.(map[string]any)
			had := len(inner) > 0
			if strip(inner); key == "f:ports" || had && len(inner) == 0 {
				delete(m, key)
			}
		}
	}
	if strip(set); len(set) == 0 {
		return nil
	}
	return set
}

// keepsNodePorts checks that a port of ours that stays keeps its node port, unless it asks for
// one or another port asks for this one, or has that of the number to which it moved, where
// adapters exchanged their numbers.
func (p *Player) keepsNodePorts(before, after *unstructured.Unstructured) error {
	was, is := testenv.NodePorts(before), testenv.NodePorts(after)
	for name, number := range was {
		now, stays := is[name]
		asks := slices.ContainsFunc(p.wanted(), func(w oracle.Port) bool {
			asked := w.Fields[oracle.NodePort]
			return asked != "" && (w.Name == name || asked == fmt.Sprint(number))
		})
		if !stays || now == number || asks || !strings.HasPrefix(name, "adapter-") {
			continue
		}
		if !slices.Contains(slices.Collect(maps.Values(was)), now) || !slices.Contains(slices.Collect(maps.Values(is)), number) {
			return fmt.Errorf("the node port of %s was %d, and is %d", name, number, now)
		}
	}
	return nil
}

// foresees checks that a dry run shows the ports that a reconcile makes.
func (p *Player) foresees(before *unstructured.Unstructured, result apply.Result, problem error) error {
	was, err := contract.Read(before, p.Kind.Container())
	if err != nil {
		return err
	}
	expected := contract.Expect(was, p.wanted())
	if expected.Refused > 0 {
		return refusedAs(expected.Refused, result, problem)
	}
	if problem != nil || result.After == nil {
		return fmt.Errorf("a dry run failed: %s", describe(result, problem))
	}
	var got []string
	for _, list := range result.After.Lists() {
		if list.Container != p.Kind.Container() {
			continue // the rest of the spec is checked as it is stored
		}
		for _, item := range list.Items {
			got = append(got, list.Port(item).String())
		}
	}
	want := expected.After.Ports()
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		return fmt.Errorf("a dry run shows %q, want %q\ndesired %s\nbefore %s", got, want, Desire{p.desired}, text(before))
	}
	return statesAs(expected, result.Ports)
}

// adopted checks an adoption: values change only where two ports have one key, and an
// adapter port is no longer the manager's by an Update.
func (p *Player) adopted(manager string, before, after *unstructured.Unstructured, result apply.Result, problem error) error {
	was, err := contract.Read(before, p.Kind.Container())
	if err != nil {
		return err
	}
	is, err := contract.Read(after, p.Kind.Container())
	if err != nil {
		return err
	}
	if result.Outcome == apply.Paused || problem != nil {
		var live *apply.LiveManagerError
		var dedicated *apply.NotDedicatedError
		if problem != nil && !errors.As(problem, &live) && !errors.As(problem, &dedicated) {
			return fmt.Errorf("an adoption failed: %w", problem)
		}
		return untouched(before, after)
	}
	twice := slices.ContainsFunc(was.Items, func(i *oracle.Item) bool { return i.Duplicate })
	if !twice && !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]) {
		return fmt.Errorf("an adoption changed %q to %q", was.Ports(), is.Ports())
	}
	for _, i := range is.Items {
		if old := was.At(i.Key); (old == nil || !old.Duplicate) && strings.HasPrefix(i.Name, "adapter-") && slices.Contains(i.Owners, testenv.Owner(manager, metav1.ManagedFieldsOperationUpdate)) {
			return fmt.Errorf("%s is still owned by %q", i, i.Owners)
		}
	}
	return p.changesNothingElse(before, after)
}

// released checks a release: our entry is gone, and with it the ports that were ours alone,
// but for those that another manager renamed and the last one of a Service that needs it.
func (p *Player) released(keep bool, before, after *unstructured.Unstructured, result apply.Result, problem error) error {
	was, err := contract.Read(before, p.Kind.Container())
	if err != nil {
		return err
	}
	is, err := contract.Read(after, p.Kind.Container())
	if err != nil {
		return err
	}
	if was.Paused || !keep && len(was.Foreign) > 0 {
		return untouched(before, after)
	}
	if problem != nil || len(is.Claim) > 0 || is.HoldsContainer {
		return fmt.Errorf("after a release we own %q: %s", is.Claim, describe(result, problem))
	}
	if keep && !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]) {
		return fmt.Errorf("a release that keeps the ports changed %q to %q", was.Ports(), is.Ports())
	}
	stays := contract.Stays(was, keep)
	var got []oracle.Key
	for _, i := range is.Items {
		got = append(got, i.Key)
	}
	if !slices.Equal(got, stays) {
		return fmt.Errorf("a release leaves %v, want %v", got, stays)
	}
	return p.changesNothingElse(before, after)
}
