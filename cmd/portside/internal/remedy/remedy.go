// Package remedy words what package apply reports for people who use portside.
// The library states what is so, with a typed reason; this package adds what to
// do about it: a portside command with its flags, or a field of the AdapterSet.
package remedy

import (
	"errors"
	"fmt"

	"github.com/portside-dev/portside/apply"
)

// For is what a remedy is for.
type For struct {
	// Target has the container that the user or the AdapterSet named.
	Target       apply.Target
	FieldManager string
}

// Error returns the error with its remedy. Other errors are returned as they
// are, and so is nil.
func (f For) Error(err error) error {
	var notDedicated *apply.NotDedicatedError
	if errors.As(err, &notDedicated) {
		return fmt.Errorf("%w (--field-manager)", err)
	}
	return err
}
