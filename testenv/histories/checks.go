package histories

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/oracle"
)

// complies checks a reconcile against the oracle.
func (p *Player) complies(before, after *unstructured.Unstructured, result apply.Result, problem error) error {
	was, err := contract.Read(before, p.Kind.Container())
	if err != nil {
		return err
	}
	is, err := contract.Read(after, p.Kind.Container())
	if err != nil {
		return err
	}
	expected := contract.Expect(was, p.wanted())
	for _, c := range expected.Cases {
		p.Cases[c]++
	}
	if expected.Refused > 0 {
		p.Cases[expected.Refused]++
		return errors.Join(refusedAs(expected.Refused, result, problem), untouched(before, after))
	}
	if problem != nil {
		return fmt.Errorf("it failed: %w", problem)
	}
	return errors.Join(expected.Check(is), statesAs(expected, result.Ports), p.changesNothingElse(before, after), reportsTemplateChange(result, before, after), p.keepsNodePorts(before, after))
}

// refusedAs checks that a reconcile that may write nothing reports why.
func refusedAs(number int, result apply.Result, problem error) error {
	var dedicated *apply.NotDedicatedError
	var empty *apply.EmptyListError
	switch {
	case number == 29 && errors.As(problem, &empty), number == 31 && errors.As(problem, &dedicated),
		number == 32 && result.Outcome == apply.Paused && problem == nil:
		return nil
	}
	return fmt.Errorf("case %d is %s, %v", number, result.Outcome, problem) //nolint:errorlint // the problem may be nil
}

// reasons are those that a state has by its case.
var reasons = map[int][]port.Reason{
	3: {port.ReasonRenamed}, 4: {port.ReasonCoOwned}, 5: {port.ReasonDeclaredByOwner}, 6: {port.ReasonDeclaredByOwner}, 8: {port.ReasonUnowned},
	9: {port.ReasonNameTaken}, 11: {port.ReasonDuplicateKey}, 20: {port.ReasonDuplicateName, port.ReasonDuplicatePort}, 21: {port.ReasonInvalidPort},
	24: {port.ReasonUnnamedPort}, 28: {port.ReasonNodePortTaken},
}

// statesAs checks the states of the desired ports, and that no other port is reported as ours.
func statesAs(expected oracle.Expectation, ports []apply.PortStatus) error {
	if len(ports) < len(expected.States) {
		return fmt.Errorf("%d ports are reported, want %d at least", len(ports), len(expected.States))
	}
	for i, want := range expected.States {
		got := ports[i]
		if string(got.State) != string(want.State) {
			return fmt.Errorf("%s is %s, want %s by case %d", got.Name, got.State, want.State, want.Case)
		}
		allowed, known := reasons[want.Case]
		switch {
		case len(want.Taken) > 0:
			allowed, known = []port.Reason{port.ReasonFieldTaken}, true
		case expected.Retained[oracle.Key{Number: got.Port, Protocol: string(got.Protocol)}] > 0:
			known = false // the reason is why it stays
		}
		if known && !slices.Contains(allowed, got.Reason) {
			return fmt.Errorf("the reason of %s is %s, want one of %v by case %d", got.Name, got.Reason, allowed, want.Case)
		}
	}
	for _, got := range ports[len(expected.States):] {
		if got.State.Applied() || got.State == port.Shadowed || got.State == port.Blocked {
			return fmt.Errorf("%s is not desired, and reported as %s", got.Name, got.State)
		}
	}
	return nil
}

// settled checks that a second reconcile changes nothing and is not needed.
func (p *Player) settled(ctx context.Context, after *unstructured.Unstructured, result apply.Result, problem error) error {
	if problem != nil || result.Outcome == apply.Paused || result.Outcome == apply.TargetNotFound {
		return nil //nolint:nilerr // complies has checked the problem
	}
	observed, err := p.observe(ctx)
	if err != nil {
		return err
	}
	upToDate, err := p.upToDate(observed)
	if err != nil || !upToDate || !result.UpToDate {
		return fmt.Errorf("after a reconcile it is up to date: %t, reported %t\n%s", upToDate, result.UpToDate, describe(result, err))
	}
	second, err := p.applier.Apply(ctx, p.target(), p.desired)
	if err != nil || second.Outcome != apply.Unchanged || second.ResourceVersion != after.GetResourceVersion() {
		return fmt.Errorf("a second reconcile is %s at %s, want %s", describe(second, err), second.ResourceVersion, after.GetResourceVersion())
	}
	return nil
}

// upToDate reports whether nothing is to be applied to what was observed.
func (p *Player) upToDate(w *workload.Workload) (bool, error) {
	plan, err := p.decide(w)
	if err != nil {
		return false, err
	}
	upToDate, err := plan.UpToDate()
	if _, is := errors.AsType[*apply.NotDedicatedError](err); is {
		return false, nil
	}
	return upToDate, err
}

// sameTrimmed checks that a trimmed observation leads to the same decision.
func (p *Player) sameTrimmed(observed *workload.Workload) error {
	whole, err := p.decide(observed)
	if err != nil {
		return err
	}
	small, err := p.decide(trimmed(observed))
	if err != nil {
		return err
	}
	if !slices.Equal(whole.Items, small.Items) || !reflect.DeepEqual(whole.Ports, small.Ports) || !slices.Equal(whole.Warnings, small.Warnings) {
		return fmt.Errorf("a trimmed observation leads to another plan: %v, %v; whole: %v, %v", small.Items, small.Ports, whole.Items, whole.Ports)
	}
	return nil
}

// untouched checks that nothing was written.
func untouched(before, after *unstructured.Unstructured) error {
	if after == nil || before.GetResourceVersion() != after.GetResourceVersion() {
		return fmt.Errorf("it was written to:\nbefore %s\nafter  %s", text(before), text(after))
	}
	return nil
}

// reportsTemplateChange checks that the result reports a changed template if and only if the
// ports changed, which the server counts as a generation.
func reportsTemplateChange(result apply.Result, before, after *unstructured.Unstructured) error {
	if before.GetKind() == "Service" { // it has neither a template nor a generation
		return nil
	}
	changed := !slices.Equal(testenv.Ports(before, Name), testenv.Ports(after, Name))
	if result.TemplateChanged() != changed || changed != (before.GetGeneration() != after.GetGeneration()) {
		return fmt.Errorf("the template changed: reported %t, ports %t, generation %d to %d",
			result.TemplateChanged(), changed, before.GetGeneration(), after.GetGeneration())
	}
	return nil
}
