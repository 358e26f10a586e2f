package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	pollInterval = 20 * time.Millisecond
	// patience is how long a wait takes at most. It is generous: a machine may be
	// busy, and a condition is seen within pollInterval once it holds.
	patience = 90 * time.Second
)

// conditionPatience is the patience of [Eventually] and [Throughout]. PORTSIDE_PATIENCE, such
// as 30s, sets another one for tests that are expected to fail by waiting.
var conditionPatience = sync.OnceValue(func() time.Duration {
	text, set := os.LookupEnv("PORTSIDE_PATIENCE")
	if !set {
		return patience
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(fmt.Sprintf("testenv: PORTSIDE_PATIENCE: %v", err))
	}
	return d
})

// Eventually polls until the condition returns nil. After a generous deadline the
// test fails with what was waited for and the condition's last error.
func Eventually(t testing.TB, what string, condition func(ctx context.Context) error) {
	t.Helper()
	if err := eventually(t.Context(), what, condition); err != nil {
		t.Fatal(err)
	}
}

// Throughout checks a claim until something has happened, first before and last
// after it. The test fails if the claim returns an error, or if nothing happened
// within a generous deadline. A claim that is false only between two checks is not
// seen, so check something that leaves a trace, such as a count or a [History].
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
		return nil // no need to wait any longer
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
	err := wait.PollUntilContextTimeout(ctx, pollInterval, conditionPatience(), true, func(ctx context.Context) (bool, error) {
		last = condition(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waited for %s: %w", what, errors.Join(err, last))
	}
	return nil
}
