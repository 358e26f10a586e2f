package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/fieldmanager"
)

// ErrorText returns the text of an error as kubectl words it, with what to do
// about it. It is empty for no error, and for one that was printed already.
func ErrorText(err error) string {
	var (
		coded   *exitError
		request *url.Error
	)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case clientcmd.IsEmptyConfig(err):
		return "no cluster is configured: name a kubeconfig with --kubeconfig or KUBECONFIG, or a server with --server"
	case errors.As(err, &coded):
		return coded.Error()
	case errors.As(err, &request):
		return requestErrorText(request)
	case apierrors.IsUnauthorized(err):
		return fmt.Sprintf("the server does not know these credentials (%v); check the kubeconfig's user, or log in again", err)
	}
	if status, is := err.(apierrors.APIStatus); is { // an error that wraps the server's has a text of its own
		return statusText(err, status.Status())
	}
	return err.Error()
}

// namesTarget reports whether the text of an error begins with its target.
func namesTarget(err error) bool {
	return errors.As(err, new(*workload.TargetError)) || errors.As(err, new(*workload.ContainerError)) ||
		errors.As(err, new(*apply.LiveManagerError)) || errors.As(err, new(*apply.NotDedicatedError)) || errors.As(err, new(*adapterset.UnlistedError))
}

func statusText(err error, status metav1.Status) string {
	message := status.Message
	if conflict := fieldmanager.Conflicts(err); conflict != nil {
		message = conflict.Error() // the server's own takes a line for each
	}
	if status.Reason == "" {
		return "Error from server: " + message
	}
	return fmt.Sprintf("Error from server (%s): %s", status.Reason, message)
}

// requestErrorText returns the text of the error of a request without an answer.
func requestErrorText(err *url.Error) string {
	host := err.URL
	if server, parseErr := url.Parse(err.URL); parseErr == nil {
		host = server.Host
	}
	switch {
	case err.Timeout():
		return fmt.Sprintf("the server %s did not answer in time (--request-timeout)", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("the connection to the server %s was refused - did you specify the right host or port?", host)
	}
	return fmt.Sprintf("unable to connect to the server %s: %v", host, err.Err)
}

// IsDisconnected reports whether the server did not answer, so that requests for
// other targets would fail as well.
func IsDisconnected(err error) bool {
	var request *url.Error
	return errors.As(err, &request) || errors.Is(err, context.Canceled) || apierrors.IsUnauthorized(err)
}
