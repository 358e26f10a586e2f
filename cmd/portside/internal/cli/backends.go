package cli

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	discoveryclient "k8s.io/client-go/kubernetes/typed/discovery/v1"

	"github.com/portside-dev/portside/cmd/portside/internal/backends"
)

// ReadBackends reads the EndpointSlices of a Service and the pods that it selects. What
// cannot be read is left out, with a warning that says what is not shown.
func (s *Session) ReadBackends(ctx context.Context, service *corev1.Service) (read backends.Read) {
	what := "Service " + service.Namespace + "/" + service.Name
	slices, err := s.listSlices(ctx, service)
	if err == nil {
		read.Slices = slices
	} else {
		s.Messages.Warn("cannot list the EndpointSlices of %s: %s; pods are shown as ready where they match its selector and are Ready", what, ErrorText(err))
	}
	pods, err := s.listPods(ctx, service)
	switch {
	case err == nil:
		read.Pods = pods
	case read.Slices == nil:
		s.Messages.Warn("cannot list the pods of %s: %s; where its ports lead is not shown", what, ErrorText(err))
	default:
		s.Messages.Warn("cannot list the pods of %s: %s; containers, and ready pods without the port, are not shown", what, ErrorText(err))
	}
	return read
}

func (s *Session) listSlices(ctx context.Context, service *corev1.Service) (*discoveryv1.EndpointSliceList, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := discoveryclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return client.EndpointSlices(service.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: labels.Set{discoveryv1.LabelServiceName: service.Name}.String(),
	})
}

// listPods returns the pods that a Service selects: none for one without a selector.
func (s *Session) listPods(ctx context.Context, service *corev1.Service) (*corev1.PodList, error) {
	if len(service.Spec.Selector) == 0 {
		return &corev1.PodList{}, nil
	}
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := coreclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return client.Pods(service.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.Set(service.Spec.Selector).String()})
}
