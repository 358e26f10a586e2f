package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/portside-dev/portside/fieldmanager"
)

// errorText words an error as kubectl does, with what to do about it. It is
// empty where there is nothing to say.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	var (
		status  apierrors.APIStatus
		request *url.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case clientcmd.IsEmptyConfig(err):
		return "no cluster is configured: name a kubeconfig with --kubeconfig or KUBECONFIG, or a server with --server"
	case errors.As(err, &request):
		return requestErrorText(request)
	case errors.As(err, &status):
		return prefixOf(err, status) + statusText(err, status.Status())
	}
	return err.Error()
}

// prefixOf keeps what was put before the API server's error.
func prefixOf(err error, status apierrors.APIStatus) string {
	cause, isError := status.(error)
	if !isError {
		return ""
	}
	prefix, _ := strings.CutSuffix(err.Error(), cause.Error())
	if prefix == err.Error() {
		return ""
	}
	return prefix
}

func statusText(err error, status metav1.Status) string {
	message := status.Message
	if conflict := fieldmanager.Conflicts(err); conflict != nil {
		message = conflict.Error() // the server's own takes a line for each
	}
	switch status.Reason {
	case metav1.StatusReasonUnauthorized:
		return fmt.Sprintf("the server does not know these credentials (%s); check the kubeconfig's user, or log in again", message)
	case "":
		return "Error from server: " + message
	}
	return fmt.Sprintf("Error from server (%s): %s", status.Reason, message)
}

// requestErrorText is for a request that got no answer.
func requestErrorText(err *url.Error) string {
	host := err.URL
	if server, parseErr := url.Parse(err.URL); parseErr == nil {
		host = server.Host
	}
	switch {
	case err.Timeout():
		return fmt.Sprintf("the server %s did not answer in time (--request-timeout)", host)
	case strings.Contains(err.Err.Error(), "connection refused"):
		return fmt.Sprintf("the connection to the server %s was refused - did you specify the right host or port?", host)
	}
	return fmt.Sprintf("unable to connect to the server %s: %v", host, err.Err)
}

// isDisconnected reports whether the server could not be asked, so that it is
// no use to ask it for another target.
func isDisconnected(err error) bool {
	var request *url.Error
	return errors.As(err, &request) || errors.Is(err, context.Canceled) || apierrors.IsUnauthorized(err)
}

// isNotFound reports whether the server said that the object is not there.
func isNotFound(err error) bool { return apierrors.IsNotFound(err) }
