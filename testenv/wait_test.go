package testenv

import (
	"context"
	"errors"
	"testing"
)

func TestThroughoutHoldsTheClaimUntilItHappened(t *testing.T) {
	t.Parallel()
	broken := errors.New("the claim is not true")
	for name, test := range map[string]struct {
		untrueAt int // the look at which the claim is broken
		want     error
		looks    int
	}{
		"true all the time, the last time after it": {untrueAt: 0, want: nil, looks: 4},
		"untrue at first":         {untrueAt: 1, want: broken, looks: 1},
		"untrue in between":       {untrueAt: 2, want: broken, looks: 2},
		"untrue by what happened": {untrueAt: 4, want: broken, looks: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looks, happenings := 0, 0
			err := throughout(t.Context(), "it happened three times", func(context.Context) error {
				if looks++; looks == test.untrueAt {
					return broken
				}
				return nil
			}, func(context.Context) error {
				if happenings++; happenings < 3 {
					return errors.New("not yet")
				}
				return nil
			})
			if !errors.Is(err, test.want) || looks != test.looks {
				t.Errorf("%v after %d looks, want %v after %d", err, looks, test.want, test.looks)
			}
		})
	}
}
