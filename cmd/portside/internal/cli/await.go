package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// awaitTimeout bounds a request to an API server that may not answer.
const awaitTimeout = 5 * time.Second

var errNoAdapterSets = errors.New("the API server has no AdapterSets: install their CustomResourceDefinition first; run: portside install --image IMAGE | kubectl apply --server-side -f -")

// AwaitAPIServer returns nil once the API server serves AdapterSets. While the server
// is unreachable, fails or forbids the request, it logs why and tries again. Its errors
// are those that do not pass: that of ctx, one of the connection's configuration, and
// errNoAdapterSets.
func AwaitAPIServer(ctx context.Context, log logr.Logger, config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	retry := wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Steps: 10, Cap: 10 * time.Second}
	for {
		err := findAdapterSets(ctx, client)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !mayPass(err) {
			return err
		}
		after := retry.Step()
		log.Info("waiting for the API server", "reason", ErrorText(err), "retryAfter", after.Round(time.Second/10))
		select {
		case <-time.After(after):
		case <-ctx.Done():
		}
	}
}

// findAdapterSets returns nil if the API server serves AdapterSets.
func findAdapterSets(ctx context.Context, client *discovery.DiscoveryClient) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	groups, err := client.ServerGroupsWithContext(ctx)
	if err != nil || slices.ContainsFunc(groups.Groups, hasAdapterSets) {
		return err
	}
	// A server that has just started may not list its custom resources yet.
	if err := client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error(); mayPass(err) {
		return err
	}
	return errNoAdapterSets
}

func hasAdapterSets(group metav1.APIGroup) bool {
	return group.Name == v1alpha1.GroupVersion.Group &&
		slices.ContainsFunc(group.Versions, func(v metav1.GroupVersionForDiscovery) bool { return v.Version == v1alpha1.GroupVersion.Version })
}

// mayPass reports whether an error of a request may pass without a change of the
// configuration: the server is unreachable, busy or broken, or permissions are not
// loaded or not granted yet.
func mayPass(err error) bool {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code := status.Status().Code
		return code >= http.StatusInternalServerError || code == http.StatusTooManyRequests || code == http.StatusForbidden
	}
	if name, is := errors.AsType[*net.DNSError](err); is {
		return !name.IsNotFound
	}
	if connection, is := errors.AsType[*net.OpError](err); is && connection.Op == "dial" {
		return true
	}
	return err != nil && (utilnet.IsTimeout(err) || utilnet.IsProbableEOF(err) || utilnet.IsConnectionReset(err))
}
