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
