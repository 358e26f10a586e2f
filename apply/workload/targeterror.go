package workload

import "fmt"

// TargetError is an error about a target. Its text begins with the target, as
// that of a [ContainerError] does.
type TargetError struct {
	Target Target
	Err    error
}

// Error returns the target and the error.
func (e *TargetError) Error() string { return fmt.Sprintf("%s: %v", e.Target, e.Err) }

// Unwrap returns the error without the target.
func (e *TargetError) Unwrap() error { return e.Err }
