package testenv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Change is what the last step that wrote did to the object, as the server
// counts it.
type Change int

// The changes that a step may have made.
const (
	AnyChange       Change = iota // not looked at
	NothingChanged                // resourceVersion is the same
	MetadataChanged               // resourceVersion is another, generation is the same: no pod restarts
	SpecChanged                   // generation is one more: once for a step that is one request
)

func (c Change) String() string {
	return [...]string{"any change", "no change", "a change of metadata alone", "one change of spec"}[c]
}

// check returns an error when the change from before to after is not c.
func (c Change) check(before, after *unstructured.Unstructured) error {
	if saw := changeBetween(before, after); c != AnyChange && saw != c.String() {
		return fmt.Errorf("the step made %s, want %s", saw, c)
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
	case before.GetGeneration() == after.GetGeneration():
		return MetadataChanged.String()
	case before.GetGeneration()+1 == after.GetGeneration():
		return SpecChanged.String()
	}
	return fmt.Sprintf("generation %d to %d", before.GetGeneration(), after.GetGeneration())
}

// Expect says what is true of the live object after the steps before it. What
// is left out is not looked at.
type Expect struct {
	// Ports of the container, in their order, each as PortString writes it; an
	// empty list means that there are none.
	Ports []string
	// Containers of the workload by name, in their order.
	Containers []string
	// Owners of a path, as [Owners] takes and returns them, in any order: who is
	// not listed must not own it, and an empty list means nobody.
	Owners map[string][]string
	// Change that the last step before this one made.
	Change Change
	// Gone: the object is not there.
	Gone bool
}

func (e Expect) String() string { return "what is then live" }

func (e Expect) run(_ context.Context, s *stage) error {
	if e.Gone != (s.live == nil) {
		return fmt.Errorf("the object is there: %t, want %t", s.live != nil, !e.Gone)
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
