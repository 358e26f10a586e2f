package discovery

import (
	"context"
	"errors"
	"fmt"
)

// Error reports why a question has no answer or, without a pod, why nothing can
// be asked. Its text stays the same while the cause does, and has nothing of what
// was sent or received but the status: an answer may quote a secret.
type Error struct {
	Reason Reason
	// Message is the text of the error; the reason's own if empty.
	Message string
	// Pod is the name of the pod that did not answer.
	Pod string
}

// Error implements error. The text begins with the name of the pod, if any.
func (e *Error) Error() string {
	if e.Pod == "" {
		return e.Text()
	}
	return fmt.Sprintf("pod %s: %s", e.Pod, e.Text())
}

// Text returns the text without the name of the pod. It is for the condition,
// where generated names would cause a write of status for each new pod.
func (e *Error) Text() string {
	if e.Message != "" {
		return e.Message
	}
	if text := texts[e.Reason]; text != "" {
		return text
	}
	return string(e.Reason)
}

// Unwrap returns the error of the context for the reasons Timeout and Canceled.
// No other cause is kept, since its text may quote addresses and answers.
func (e *Error) Unwrap() error {
	switch e.Reason {
	case Timeout:
		return context.DeadlineExceeded
	case Canceled:
		return context.Canceled
	default:
		return nil
	}
}

// ReasonOf returns the reason of an Error, or an empty reason.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// errorOf returns an error as an [Error], with a reason for those that are none.
func errorOf(err error) Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return *e
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Error{Reason: Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return Error{Reason: Timeout}
	}
	return Error{Reason: NotAnswered}
}
