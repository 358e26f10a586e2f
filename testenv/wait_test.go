package testenv

import (
	"context"
	"errors"
	"testing"
)

func TestThroughout(t *testing.T) {
	t.Parallel()
	broken := errors.New("the claim is false")
	for name, test := range map[string]struct {
		falseAt int // number of the check at which the claim is false
		want    error
		checks  int
	}{
		"true until the end": {falseAt: 0, want: nil, checks: 4},
		"false at first":     {falseAt: 1, want: broken, checks: 1},
		"false in between":   {falseAt: 2, want: broken, checks: 2},
		"false at the end":   {falseAt: 4, want: broken, checks: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checks, polls := 0, 0
			err := throughout(t.Context(), "it happened three times", func(context.Context) error {
				if checks++; checks == test.falseAt {
					return broken
				}
				return nil
			}, func(context.Context) error {
				if polls++; polls < 3 {
					return errors.New("not yet")
				}
				return nil
			})
			if !errors.Is(err, test.want) || checks != test.checks {
				t.Errorf("%v after %d checks, want %v after %d", err, checks, test.want, test.checks)
			}
		})
	}
}
