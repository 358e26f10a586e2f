package httpapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// Options are the same for every target.
type Options struct {
	// Pods finds the pods of a workload.
	Pods Pods
	// Secret reads a Secret from the API server.
	Secret func(ctx context.Context, name types.NamespacedName) (*corev1.Secret, error)
	// Now is the clock by which tokens expire; time.Now if it is nil.
	Now func() time.Time
	// AllowLoopback allows pods with loopback addresses, which no pod of a
	// cluster has. It is for tests and the demo, whose pods are servers of
	// their own process.
	AllowLoopback bool
}

// Pods finds the pods of workloads: [discovery.Pods].
type Pods interface {
	Find(ctx context.Context, w discovery.Workload, port intstr.IntOrString) ([]discovery.Pod, discovery.Readiness, error)
	Forget(workload types.UID)
}

// source is the source of an AdapterSet with spec.discovery.http.
type source struct {
	*API
	endpoint Endpoint
	port     intstr.IntOrString
	secret   string // the name of the Secret, empty if none is used
	interval time.Duration
}

// Source is the [discovery.Kind] of AdapterSets with spec.discovery.http. Its error is a
// [discovery.Error] with the reason InvalidExpression.
func (a *API) Source(set *v1alpha1.AdapterSet) (discovery.Source, error) {
	if set.Spec.Discovery == nil || set.Spec.Discovery.HTTP == nil {
		return nil, nil
	}
	http := set.Spec.Discovery.HTTP
	if _, err := a.programs.of(http.Expression); err != nil {
		return nil, &discovery.Error{Reason: discovery.InvalidExpression, Message: "spec.discovery.http.expression: " + err.Error() + "; the ports stay as they are"}
	}
	return source{
		API: a,
		endpoint: Endpoint{
			Scheme:     http.Scheme,
			ServerName: http.ServerName,
			Path:       http.Path,
			Expression: http.Expression,
			LoginPath:  http.LoginPath,
			Timeout:    seconds(http.TimeoutSeconds),
		},
		port:     http.Port,
		secret:   ptr.Deref(http.CredentialsRef, v1alpha1.CredentialsRef{}).Name,
		interval: max(seconds(http.IntervalSeconds), time.Second), // the CRD has a default; 0 is no interval
	}, nil
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }

// String returns the request whose answer has the adapters.
func (s source) String() string { return "GET " + s.endpoint.Path }

// Interval implements [discovery.Source].
func (s source) Interval() time.Duration { return s.interval }

// Questions implements [discovery.Source]. There is one for each pod.
func (s source) Questions(ctx context.Context, w discovery.Workload) ([]discovery.Question, discovery.Readiness, error) {
	client, err := s.client(ctx, w)
	if err != nil {
		return nil, discovery.Readiness{}, err
	}
	pods, readiness, err := s.options.Pods.Find(ctx, w, s.port)
	if err != nil {
		// What a client of the API server says quotes addresses, and differs
		// each time.
		logr.FromContextOrDiscard(ctx).Info("cannot find the pods to ask", "error", err.Error())
		return nil, discovery.Readiness{}, &discovery.Error{Reason: discovery.PodsUnknown}
	}
	client.keepOnly(pods)
	questions := make([]discovery.Question, 0, len(pods))
	for _, pod := range pods {
		questions = append(questions, discovery.Question{Pod: pod.Name, Ask: func(ctx context.Context) ([]apply.Adapter, error) {
			return client.Ask(ctx, pod)
		}})
	}
	return questions, readiness, nil
}

// client returns the client of a workload, with what the Secret has now.
func (s source) client(ctx context.Context, w discovery.Workload) (*Client, error) {
	var credentials Credentials
	if s.secret != "" {
		var err error
		if credentials, err = s.credentials(ctx, types.NamespacedName{Namespace: w.Target.Namespace, Name: s.secret}); err != nil {
			return nil, err
		}
	}
	return s.Client(w.UID, s.endpoint, credentials)
}

// credentials reads the Secret. Its errors have nothing of what is in it.
func (s source) credentials(ctx context.Context, name types.NamespacedName) (Credentials, error) {
	secret, err := s.options.Secret(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		return Credentials{}, &discovery.Error{Reason: discovery.CredentialsMissing}
	case apierrors.IsForbidden(err):
		return Credentials{}, forbidden(name.Namespace)
	case errors.Is(ctx.Err(), context.Canceled):
		return Credentials{}, &discovery.Error{Reason: discovery.Canceled}
	case err != nil:
		logr.FromContextOrDiscard(ctx).Info("cannot read the Secret with the credentials", "secret", name.String(), "error", err.Error())
		return Credentials{}, &discovery.Error{Reason: discovery.CredentialsUnreadable}
	case secret.Labels[v1alpha1.CredentialsLabel] != "true":
		return Credentials{}, &discovery.Error{Reason: discovery.CredentialsNotLabelled}
	}
	return ReadCredentials(secret.Data)
}

// forbidden returns the error of a namespace whose Secrets portside may not read.
// It names the command that grants the permission.
func forbidden(namespace string) error {
	return &discovery.Error{Reason: discovery.CredentialsForbidden, Message: fmt.Sprintf("portside may not read Secrets in namespace %[1]s; grant it with "+
		"`portside install --discovery-namespace %[1]s | kubectl apply --server-side -f -` and the flags of this installation", namespace)}
}
