package apply

import "fmt"

// TargetError is an error about a target. Its text begins with the target, as
// those of [ContainerError], [LiveManagerError] and [NotDedicatedError] do.
type TargetError struct {
	Target workload.Target
	Err    error
}

// Error returns the target and the error.
func (e *workload.TargetError) Error() string { return fmt.Sprintf("%s: %v", e.Target, e.Err) }

// Unwrap returns the error without the target.
func (e *workload.TargetError) Unwrap() error { return e.Err }
