package command

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

// The exit codes.
const (
	exitOK = 0
	// exitUnusable: the input or the connection cannot be used.
	exitUnusable = 1
	// exitRefused: a port is Blocked or Invalid, the target or its container is
	// missing, or the server refused.
	exitRefused = 2

	// exitDifferent and exitNoAnswer are those of diff. As with kubectl diff, 1 is
	// a difference, so diff has another code for unusable input.
	exitDifferent = 1
	exitNoAnswer  = 3
)

// exitError ends the program with a code.
type exitError struct {
	code int
	// what was attempted, or the object that the error is about; may be empty.
	what string
	// err is nil if it was printed already.
	err error
}

func (e *exitError) Error() string { return e.text() }

// text returns what to print.
func (e *exitError) text() string {
	text := errorText(e.err)
	if e.what != "" && text != "" {
		return e.what + ": " + text
	}
	return text
}

func (e *exitError) Unwrap() error { return e.err }

// exitWith ends the program with a code and prints nothing more.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// targetError ends the program because of an error about a target, which its text
// names once.
func targetError(target workload.Target, err error) error {
	what := target.String()
	if namesTarget(err) {
		what = ""
	}
	return &exitError{code: codeOf(err), what: what, err: err}
}

// diffCodesAnnotation marks the command that exits with the codes of diff.
const diffCodesAnnotation = "portside.dev/diff-exit-codes"

// exitCode returns the code of a run: the one that the error carries, or else
// that of a failure of this command.
func exitCode(cmd *cobra.Command, err error) int {
	var coded *exitError
	switch {
	case errors.As(err, &coded):
		return coded.code
	case cmd != nil && cmd.Annotations[diffCodesAnnotation] != "":
		return diffCode(codeOf(err))
	}
	return codeOf(err)
}

// diffCode returns the code that diff has in place of one of sync.
func diffCode(code int) int {
	if code == exitUnusable {
		return exitNoAnswer
	}
	return code
}

// codeOf returns the exit code of an error of package apply.
func codeOf(err error) int {
	switch {
	case err == nil:
		return exitOK
	case apply.IsRefusal(err), workload.IsContainerNotFound(err), errors.As(err, new(*apply.NotDedicatedError)), errors.As(err, new(*apply.LiveManagerError)):
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
