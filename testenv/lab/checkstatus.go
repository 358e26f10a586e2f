package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/oracle"
)

// checkStatus checks that the status of the AdapterSet is true (invariant 5).
func (s *site) checkStatus(now state) error {
	if s.spec == nil || now.set == nil {
		return nil
	}
	spec, err := s.specOf()
	if err != nil {
		return err
	}
	status, err := statusOf(now.set)
	if err != nil {
		return err
	}
	if err := checkGenerations(now.set, status); err != nil {
		return err
	}
	if err := checkReconciling(now.set); err != nil {
		return err
	}
	ready := fixture.Condition(now.set, "Ready")
	missing := ""
	switch {
	case now.target == nil:
		missing = "TargetNotFound"
	case status.Target.UID != string(now.target.GetUID()):
		return fmt.Errorf("status is about the target %s, want %s", status.Target.UID, now.target.GetUID())
	case containerOf(now.target) == nil && spec.ContainerPorts != "Ignore":
		missing = "ContainerNotFound"
	}
	switch {
	case missing != "" && (!spec.Suspend || now.target == nil) && (ready.Status == metav1.ConditionTrue || ready.Reason != missing):
		return fmt.Errorf("the condition Ready is %s (%s), want %s", ready.Status, ready.Reason, missing)
	case missing != "" || containerOf(now.target) == nil || spec.Suspend || now.isPaused():
		return nil
	}
	return s.checkDecided(now, spec, status)
}

// isPaused reports whether the target or the Service is paused.
func (now state) isPaused() bool {
	return slices.ContainsFunc([]*unstructured.Unstructured{now.target, now.service}, func(o *unstructured.Unstructured) bool {
		return o != nil && o.GetAnnotations()["portside.dev/paused"] == "true"
	})
}

// checkReconciling checks that nothing goes on, unless a wait can last.
func checkReconciling(set *unstructured.Unstructured) error {
	c := fixture.Condition(set, "Reconciling")
	if c.Status != metav1.ConditionFalse && !slices.Contains([]string{"RemovalWaiting", "ServiceNotFound", "TargetNotFound"}, c.Reason) {
		return fmt.Errorf("the condition Reconciling is %s: %s: %s", c.Status, c.Reason, c.Message)
	}
	return nil
}

// checkGenerations checks that status and its conditions are about the live generation.
func checkGenerations(set *unstructured.Unstructured, status setStatus) error {
	if status.ObservedGeneration != set.GetGeneration() {
		return fmt.Errorf("status is of generation %d, want %d", status.ObservedGeneration, set.GetGeneration())
	}
	for _, kind := range []string{"Ready", "Reconciling", "Stalled"} {
		if of := fixture.Condition(set, kind).ObservedGeneration; of != set.GetGeneration() {
			return fmt.Errorf("the condition %s is of generation %d, want %d", kind, of, set.GetGeneration())
		}
	}
	return nil
}

// checkDecided checks the ports, the counts and the conditions of a status that is about a
// decision.
func (s *site) checkDecided(now state, spec setSpec, status setStatus) error {
	t := tally{}
	var errs []error
	if spec.ContainerPorts != "Ignore" {
		errs = append(errs, s.checkPorts(&t, now, now.target, status.Ports))
	}
	if got, want := len(status.Services), len(spec.Services); got != want {
		errs = append(errs, fmt.Errorf("status has %d Services, want %d", got, want))
	}
	for _, one := range status.Services {
		errs = append(errs, s.checkService(&t, now, one))
	}
	if (now.service != nil || len(spec.Services) == 0) && (status.DesiredPorts != t.desired || status.ReadyPorts != t.ready) {
		errs = append(errs, fmt.Errorf("%d of %d ports are ready in status, want %d of %d", status.ReadyPorts, status.DesiredPorts, t.ready, t.desired))
	}
	ready, stalled := fixture.Condition(now.set, "Ready"), fixture.Condition(now.set, "Stalled")
	if isReady := ready.Status == metav1.ConditionTrue; isReady != (t.problems == 0) {
		errs = append(errs, fmt.Errorf("the condition Ready is %s (%s: %s), with %d problems", ready.Status, ready.Reason, ready.Message, t.problems))
	}
	if isStalled := stalled.Status == metav1.ConditionTrue; isStalled != (t.blocked > 0) {
		errs = append(errs, fmt.Errorf("the condition Stalled is %s (%s: %s), with %d ports that need a person", stalled.Status, stalled.Reason, stalled.Message, t.blocked))
	}
	return errors.Join(errs...)
}

// checkService checks what status has of a Service.
func (s *site) checkService(t *tally, now state, reported serviceStatus) error {
	switch {
	case now.service == nil:
		t.problems++
		if reported.Reason != "ServiceNotFound" {
			return fmt.Errorf("the reason of the missing Service is %q", reported.Reason)
		}
		return nil
	case reported.UID != string(now.service.GetUID()):
		return fmt.Errorf("status is about the Service %s, want %s", reported.UID, now.service.GetUID())
	}
	return s.checkPorts(t, now, now.service, reported.Ports)
}

// tally counts the ports of a target and its Services by their states.
type tally struct {
	desired, ready int64
	blocked        int // Blocked or Invalid
	problems       int // those, and missing Services
}

// checkPorts compares the ports in status with what the contract requires, and with the live
// owners of each.
func (s *site) checkPorts(t *tally, now state, object *unstructured.Unstructured, reported []portStatus) error {
	live, err := read(object)
	if err != nil {
		return err
	}
	spec, err := s.specOf()
	if err != nil {
		return err
	}
	desired := spec.desired(live, now.set)
	expected := contract.Expect(live, desired)
	var got, want []string
	for _, p := range reported {
		if p.State == "Blocked" || p.State == "Invalid" {
			t.blocked++
			t.problems++
		}
		if p.State != "Retained" {
			t.desired++
			if p.State == "Owned" || p.State == "Shared" || p.State == "Shadowed" {
				t.ready++
			}
		}
		if p.Reason == "Contended" && p.State == "Blocked" {
			continue
		}
		got = append(got, lineOf(p.Name, oracle.Key{Number: p.Port, Protocol: p.Protocol}, p.State, p.Owners))
	}
	for i, p := range desired {
		state := expected.States[i].State
		if state == oracle.Owned && ownersIn(live, p.Key) == nil { // checkObject found that it may not be applied
			state = oracle.Blocked
		}
		want = append(want, lineOf(p.Name, p.Key, string(state), ownersIn(live, p.Key)))
	}
	for key := range expected.Retained {
		for _, i := range live.Items {
			if i.Key == key {
				want = append(want, lineOf(i.Name, key, "Retained", ownersIn(live, key)))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("status of %s has the ports\n%q, want\n%q", object.GetKind(), got, want)
	}
	return nil
}

// lineOf describes a port in status. The owners of a Blocked one are those of what is in its
// way, which is not compared.
func lineOf(name string, key oracle.Key, state string, owners []portOwner) string {
	if state == string(oracle.Blocked) {
		owners = nil
	}
	return fmt.Sprintf("%s:%s %s %q", name, key, state, owners)
}

// ownersIn returns the owners of the live item with a key, as status lists them.
func ownersIn(live oracle.List, key oracle.Key) (owners []portOwner) {
	for _, i := range live.Items {
		if i.Key != key {
			continue
		}
		for _, o := range i.Owners {
			manager, operation, _ := cutLast(o)
			owners = append(owners, portOwner{manager, operation})
		}
		return owners
	}
	return nil
}

// cutLast splits manager/Operation.
func cutLast(text string) (manager, operation string, found bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
