package testenv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Change is the effect of the last step that wrote, as the server counts it.
type Change int

// The effects that a step may have.
const (
	AnyChange       Change = iota // not checked
	NothingChanged                // same resourceVersion
	MetadataChanged               // another resourceVersion, same generation: no pod restarts
	SpecChanged                   // generation + 1, once for each request
)

func (c Change) String() string {
	return [...]string{"any change", "no change", "a change of metadata only", "one change of spec"}[c]
}

// check returns an error unless the change from before to after is c.
func (c Change) check(before, after *unstructured.Unstructured) error {
	if got := changeBetween(before, after); c != AnyChange && got != c.String() {
		return fmt.Errorf("the step made %s, want %s", got, c)
	}
	return nil
}

func changeBetween(before, after *unstructured.Unstructured) string {
	switch {
	case before == nil && after == nil:
		return NothingChanged.String()
	case before == nil || after == nil || before.GetUID() != after.GetUID():
		return "another object"
	case before.GetResourceVersion() == after.GetResourceVersion():
		return NothingChanged.String()
	case after.GetGeneration() == 0 && !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]):
		return SpecChanged.String() // of a Service, which has no generation
	case before.GetGeneration() == after.GetGeneration():
		return MetadataChanged.String()
	case before.GetGeneration()+1 == after.GetGeneration():
		return SpecChanged.String()
	}
	return fmt.Sprintf("generation %d to %d", before.GetGeneration(), after.GetGeneration())
}

// Expect is a step that checks the live object. It does not check fields that are
// not set.
type Expect struct {
	// Ports of the container, in their order, as PortString writes them. An empty
	// list means none.
	Ports []string
	// Containers of the workload by name, in their order.
	Containers []string
	// Owners of each path, as [Owners] takes and returns them, in any order. Other
	// managers must not own the path; an empty list means no manager.
	Owners map[string][]string
	// Change of the last step before this one.
	Change Change
	// Gone expects that the object does not exist.
	Gone bool
}

func (e Expect) String() string { return "the live object" }

func (e Expect) run(_ context.Context, s *scenarioState) error {
	if e.Gone != (s.live == nil) {
		return fmt.Errorf("the object exists: %t, want %t", s.live != nil, !e.Gone)
	}
	errs := []error{e.Change.check(s.before, s.live)}
	if got := Ports(s.live, s.Container); e.Ports != nil && !slices.Equal(got, e.Ports) {
		errs = append(errs, fmt.Errorf("ports %q, want %q", got, e.Ports))
	}
	if got := Containers(s.live); e.Containers != nil && !slices.Equal(got, e.Containers) {
		errs = append(errs, fmt.Errorf("containers %q, want %q", got, e.Containers))
	}
	for _, path := range slices.Sorted(maps.Keys(e.Owners)) {
		got, err := Owners(s.live, s.Container, path)
		if want := slices.Sorted(slices.Values(e.Owners[path])); err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("%q is owned by %q, want %q", path, got, want)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
