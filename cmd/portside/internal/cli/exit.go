package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// The exit codes.
const (
	OK = 0
	// Unusable: the input or the connection cannot be used.
	Unusable = 1
	// Refused: a port is Blocked or Invalid, the target or its container is missing,
	// or the server refused.
	Refused = 2

	// Different and NoAnswer are those of diff. As with kubectl diff, 1 is a
	// difference, so diff has another code for unusable input.
	Different = 1
	NoAnswer  = 3
)

// exitError ends the program with a code.
type exitError struct {
	code int
	// what was attempted, or the object that the error is about; may be empty.
	what string
	// err is nil if it was printed already.
	err error
}

func (e *exitError) Error() string {
	text := ErrorText(e.err)
	if e.what != "" && text != "" {
		return e.what + ": " + text
	}
	return text
}

func (e *exitError) Unwrap() error { return e.err }

// Exit returns an error that ends the program with a code and prints nothing. It is
// nil for OK.
func Exit(code int) error {
	if code == OK {
		return nil
	}
	return &exitError{code: code}
}

// Failed returns an error that ends the program with a code and prints what was
// attempted and why that failed.
func Failed(code int, what string, err error) error {
	return &exitError{code: code, what: what, err: err}
}

// TargetError returns an error that ends the program because of a target, which its
// text names once.
func TargetError(target workload.Target, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return notFound(target)
	case namesTarget(err):
		return Failed(CodeOf(err), "", err)
	}
	return Failed(CodeOf(err), target.String(), err)
}

// notFound returns the error for a target that does not exist.
func notFound(target workload.Target) error {
	return Failed(Refused, "", fmt.Errorf("%s not found; check the name, the namespace (-n) and the cluster (--context)", target))
}

// diffCodes marks a command that exits with the codes of diff.
const diffCodes = "portside.dev/diff-exit-codes"

// DiffCodes returns the annotation of a command that exits with the codes of diff.
func DiffCodes() map[string]string { return map[string]string{diffCodes: "true"} }

// exitCode returns the code of a run: the one that the error carries, or else that
// of a failure of this command.
func exitCode(cmd *cobra.Command, err error) int {
	var coded *exitError
	switch {
	case errors.As(err, &coded):
		return coded.code
	case cmd != nil && cmd.Annotations[diffCodes] != "":
		return DiffCode(CodeOf(err))
	}
	return CodeOf(err)
}

// DiffCode returns the code that diff has in place of one of sync.
func DiffCode(code int) int {
	if code == Unusable {
		return NoAnswer
	}
	return code
}

// CodeOf returns the exit code of an error of package apply.
func CodeOf(err error) int {
	switch {
	case err == nil:
		return OK
	case apply.IsRefusal(err), workload.IsContainerNotFound(err), errors.As(err, new(*apply.NotDedicatedError)), errors.As(err, new(*apply.LiveManagerError)),
		errors.As(err, new(*adapterset.UnlistedError)):
		return Refused
	}
	return Unusable
}

// PortsCode returns the exit code for the states of ports.
func PortsCode(ports []apply.PortStatus) int {
	for _, p := range ports {
		if p.State == port.Blocked || p.State == port.Invalid {
			return Refused
		}
	}
	return OK
}

// Worse returns the code that prevails of two targets'. Unusable input or a broken
// connection prevails: not every target was tried.
func Worse(a, b int) int {
	if a == Unusable || b == Unusable {
		return Unusable
	}
	return max(a, b)
}
