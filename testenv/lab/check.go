package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv/oracle"
)

// check returns what is not as it must be in a quiet period, nil if all is:
//
//  1. nothing but ports of portside's has changed since another manager wrote last, and
//     static ports have the values and the order that their owners declared;
//  2. portside owns ports and the key of their container, and nothing stale;
//  3. adapter ports are as the contract requires;
//  4. portside changed the pod template as often as the steps of the round called for;
//  5. status is true.
func (s *site) check(now state) error {
	var errs []error
	if exists := now.set != nil; exists != (s.spec != nil) {
		errs = append(errs, fmt.Errorf("the AdapterSet exists: %t, want %t", exists, s.spec != nil))
	}
	if now.target != nil {
		errs = append(errs, s.checkObject(now, "target", orElse(s.written, s.quiet.target), now.target), s.checkChanges(now))
	}
	if now.service != nil {
		errs = append(errs, s.checkObject(now, "Service", orElse(s.writtenService, s.quiet.service), now.service))
	}
	if len(errs) == 0 || errors.Join(errs...) == nil {
		errs = append(errs, s.checkStatus(now))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w\nstatus: %s", s.namespace, err, summary(now.set))
	}
	return nil
}

// checkGone checks a target whose container another manager has removed: portside owns
// nothing of it, but for what a deletion left behind that was not seen.
func (s *site) checkGone(before, live *unstructured.Unstructured) error {
	if before == nil || containerOf(before) != nil {
		return errors.New("the container is gone, and no other manager removed it")
	}
	for _, e := range live.GetManagedFields() {
		if e.Manager == contract.Manager && (s.spec != nil || !s.unseen) {
			return fmt.Errorf("portside owns %s of a target without the container", e.FieldsV1)
		}
	}
	return nil
}

func orElse(a, b *unstructured.Unstructured) *unstructured.Unstructured {
	if a != nil {
		return a
	}
	return b
}

// checkObject checks the target or the Service.
func (s *site) checkObject(now state, what string, before, live *unstructured.Unstructured) error {
	list, err := read(live)
	if errors.Is(err, oracle.ErrNoContainer) {
		return s.checkGone(before, live)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	errs := []error{checkOthers(before, live), checkClaim(list)}
	if expected, decided, err := s.expect(now, list); err != nil {
		errs = append(errs, err)
	} else if decided {
		errs = append(errs, expected.Check(list), s.checkRetained(now, before, list))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w; it has %q", what, err, list.Ports())
	}
	return nil
}

// checkOthers compares an object with what it was when another manager wrote it last
// (invariant 1).
func checkOthers(before, live *unstructured.Unstructured) error {
	if before == nil {
		return errors.New("no manager of the lab has created it")
	}
	if before.GetUID() != live.GetUID() {
		return errors.New("it is another object than the last that the lab wrote")
	}
	errs := []error{}
	for _, part := range []string{"spec", "labels", "annotations"} {
		was, is := withoutPorts(before, part), withoutPorts(live, part)
		if !reflect.DeepEqual(was, is) {
			errs = append(errs, fmt.Errorf("its %s is\n%s, and the last write of another manager stored\n%s", part, mustJSON(is), mustJSON(was)))
		}
	}
	list, err := read(before)
	if err != nil {
		return err
	}
	static := staticOf(list)
	var was, is []string
	for i, p := range portsIn(before) {
		if item := list.Items[i]; static[item.Key] != nil {
			was = append(was, textOf(p, static[item.Key]))
		}
	}
	after, err := read(live)
	if err != nil {
		return err
	}
	for i, p := range portsIn(live) {
		if item := after.Items[i]; static[item.Key] != nil {
			is = append(is, textOf(p, static[item.Key]))
		}
	}
	if !slices.Equal(was, is) {
		errs = append(errs, fmt.Errorf("its static ports are %q, and the last write of another manager stored %q", is, was))
	}
	return errors.Join(errs...)
}

// withoutPorts returns a part of an object without the ports of the container or the
// Service, and without what controllers add.
func withoutPorts(object *unstructured.Unstructured, part string) any {
	object = object.DeepCopy()
	switch part {
	case "labels":
		return object.GetLabels()
	case "annotations":
		annotations := object.GetAnnotations()
		delete(annotations, "deployment.kubernetes.io/revision")
		delete(annotations, "deprecated.daemonset.template.generation")
		if len(annotations) == 0 {
			return nil
		}
		return annotations
	}
	setPorts(object, nil)
	if object.GetKind() == "Service" {
		unstructured.RemoveNestedField(object.Object, "spec", "ports")
	}
	return object.Object["spec"]
}

// staticOf returns the items that portside must leave as they are: those that another
// manager owns or has renamed, and unowned ones without the name of an adapter.
func staticOf(l oracle.List) map[oracle.Key]*oracle.Item {
	static := map[oracle.Key]*oracle.Item{}
	for _, i := range l.Items {
		renamed := !isAdapterName(i.Name) && slices.ContainsFunc(i.Leaves[oracle.Name], func(m string) bool { return m != us })
		switch {
		case isOursAlone(i) && !renamed:
		case len(i.Owners) == 0 && (isAdapterName(i.Name) || i.Name == ""):
		default:
			static[i.Key] = i
		}
	}
	return static
}

// textOf returns a port without the fields that portside alone owned, which it may give up.
func textOf(p map[string]any, was *oracle.Item) string {
	p = maps.Clone(p)
	for _, leaf := range []string{oracle.Name, oracle.TargetPort, oracle.AppProtocol} {
		if slices.Equal(was.Leaves[leaf], []string{us}) {
			delete(p, leaf)
		}
	}
	return string(mustJSON(p))
}

// checkClaim checks that portside owns nothing but ports and the container's key, and
// nothing that the object does not have (invariant 2).
func checkClaim(l oracle.List) error {
	if len(l.Foreign) > 0 {
		return fmt.Errorf("portside owns %q, which are no ports", l.Foreign)
	}
	owned := 0
	for _, i := range l.Items {
		if isOurs(i) {
			owned++
		}
	}
	if len(l.Claim) != owned {
		return fmt.Errorf("portside claims %q, of which %d exist", l.Claim, owned)
	}
	return nil
}

// checkChanges checks how often portside changed the pod template in this round (invariant
// 4). After the single step of a round it is once if the ports differ from those that the
// step stored, and else never.
func (s *site) checkChanges(now state) error {
	before := orElse(s.written, s.quiet.target)
	if s.uncertain || before == nil || before.GetUID() != now.target.GetUID() {
		return nil
	}
	if containerOf(now.target) == nil {
		return nil
	}
	changes := s.ledger.ours(now.target.GetUID())
	called := !reflect.DeepEqual(portsIn(before), portsIn(now.target))
	least, most := 0, 2*s.steps
	if called {
		least = 1
	}
	if s.steps <= 1 {
		most = least
		if spec, err := s.specOf(); called && err == nil && !spec.isLong() && *spec.Rollout.RemovalDelaySeconds > 0 {
			most = 2 // what is removed goes later than what is added
		}
	}
	if changes < least || changes > most {
		return fmt.Errorf("portside changed the pod template %d times, and the %d steps called for %d to %d changes", changes, s.steps, least, most)
	}
	return nil
}
