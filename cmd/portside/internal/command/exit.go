package command

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
)

// The exit codes.
const (
	exitOK = 0
	// exitUnusable: the input or the connection cannot be used.
	exitUnusable = 1
	// exitRefused: a port, a container or the server stood in the way.
	exitRefused = 2

	// diff's are kubectl diff's: 1 is a difference, so that a failure must be
	// more.
	exitDifferent  = 1
	exitDiffFailed = 2
)

// exitError ends the program with a code.
type exitError struct {
	code int
	// err is nil where everything has been said already.
	err error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitWith ends the program with a code and nothing more to say.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// failureCodeAnnotation is on a command whose failures have another code.
const failureCodeAnnotation = "portside.dev/failure-exit-code"

// exitCode is the code of a run: the one that the error carries, or else what
// a failure of this command is.
func exitCode(cmd *cobra.Command, err error) int {
	var coded *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case cmd != nil && cmd.Annotations[failureCodeAnnotation] != "":
		return exitDiffFailed
	}
	return codeOf(err)
}

// codeOf is what an error of package apply ends a command with.
func codeOf(err error) int {
	switch {
	case err == nil:
		return exitOK
	case apply.IsRefusal(err), apply.IsContainerNotFound(err), errors.As(err, new(*apply.NotDedicatedError)), errors.As(err, new(*apply.LiveManagerError)):
		return exitRefused
	}
	return exitUnusable
}

// worse is the code that prevails of two targets'. Unusable input or a broken
// connection means that the run is not whole, which says more than that what
// was asked was refused.
func worse(a, b int) int {
	switch {
	case a == exitUnusable || b == exitUnusable:
		return exitUnusable
	default:
		return max(a, b)
	}
}
