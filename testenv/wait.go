package testenv

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	pollInterval = 20 * time.Millisecond
	// patience is when a wait gives up. It is generous: a machine may be busy,
	// and a condition that holds is seen within pollInterval anyway.
	patience = 90 * time.Second
)

// Eventually polls until the condition returns nil, and fails the test when it
// still does not after a generous deadline: with what was waited for and the
// condition's last error.
func Eventually(t testing.TB, what string, condition func(ctx context.Context) error) {
	t.Helper()
	if err := eventually(t.Context(), what, condition); err != nil {
		t.Fatal(err)
	}
}

// Throughout checks a claim until something has happened, the first time before
// that and the last time after it, and fails the test when the claim returns an
// error, or when it did not happen after a generous deadline. What is untrue only
// between two looks stays unseen, so claim what leaves a trace: a count, a
// [History].
func Throughout(t testing.TB, what string, claim func(ctx context.Context) error, happened func(ctx context.Context) error) {
	t.Helper()
	if err := throughout(t.Context(), what, claim, happened); err != nil {
		t.Fatal(err)
	}
}

func throughout(ctx context.Context, what string, claim, happened func(ctx context.Context) error) error {
	var untrue error
	err := eventually(ctx, what, func(ctx context.Context) error {
		if untrue = claim(ctx); untrue == nil {
			return happened(ctx)
		}
		return nil // there is nothing more to wait for
	})
	if err == nil && untrue == nil {
		untrue = claim(ctx)
	}
	if untrue != nil {
		return fmt.Errorf("before %s: %w", what, untrue)
	}
	return err
}

func eventually(ctx context.Context, what string, condition func(ctx context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		last = condition(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waited for %s: %w", what, errors.Join(err, last))
	}
	return nil
}
