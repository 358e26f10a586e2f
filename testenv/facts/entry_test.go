package facts_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/portside-dev/portside/testenv"
)

// checkEntry returns the function of a step that checks the paths of the
// contributor's entry in managedFields, nil without an entry.
func checkEntry(check func(paths []string) error) func(context.Context, *testenv.ControlPlane, string) error {
	return func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
		live, err := cp.Manager(contributor).Get(ctx, "StatefulSet", ns, files)
		if err != nil {
			return err
		}
		paths, err := testenv.Entry(live, contributor, "Apply")
		if err != nil {
			return err
		}
		if err := check(paths); err != nil {
			return fmt.Errorf("the contributor's entry is %q: %w", paths, err)
		}
		return nil
	}
}

// contributorEntry checks whether the contributor has an entry.
func contributorEntry(want bool) testenv.Do {
	what := map[bool]string{true: "the contributor has an entry", false: "the contributor has no entry"}[want]
	return testenv.Do{What: what, Func: checkEntry(func(paths []string) error {
		if (paths != nil) != want {
			return fmt.Errorf("want an entry: %t", want)
		}
		return nil
	})}
}

func lists(path string) func([]string) error {
	return func(paths []string) error {
		if !slices.Contains(paths, path) {
			return fmt.Errorf("want %q in it", path)
		}
		return nil
	}
}

func isExactly(want ...string) func([]string) error {
	return func(paths []string) error {
		if !slices.Equal(paths, want) {
			return fmt.Errorf("want %q", want)
		}
		return nil
	}
}
