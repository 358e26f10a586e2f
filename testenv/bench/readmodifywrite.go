package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/testenv"
)

// readModifyWrite keeps such ports as operators do without server-side apply: it
// gets the workload, splits the ports by prefix, compares, gets it again, updates
// the whole object, and retries on a conflict, as client-go's RetryOnConflict does
// with its default back-off.
type readModifyWrite struct {
	client appsclient.StatefulSetInterface
	name   string
}

func newReadModifyWrite(config *rest.Config, name string) (reconcile, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return readModifyWrite{client.AppsV1().StatefulSets(namespace), name}.reconcile, nil
}

func (r readModifyWrite) reconcile(ctx context.Context, adapters []apply.Adapter) (bool, error) {
	live, err := r.client.Get(ctx, r.name, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	if same, err := setAdapterPorts(live, adapters); same || err != nil {
		return false, err
	}
	return true, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := r.client.Get(ctx, r.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if same, err := setAdapterPorts(live, adapters); same || err != nil {
			return err
		}
		_, err = r.client.Update(ctx, live, metav1.UpdateOptions{FieldManager: testenv.DittoFSOperator})
		return err
	})
}

// setAdapterPorts replaces the adapter ports of the container, after the static
// ones, and reports whether they stayed the same.
func setAdapterPorts(s *appsv1.StatefulSet, adapters []apply.Adapter) (same bool, err error) {
	containers := s.Spec.Template.Spec.Containers
	at := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == container })
	if at < 0 {
		return false, fmt.Errorf("no container %s in %s", container, s.Name)
	}
	var ports []corev1.ContainerPort
	for _, p := range containers[at].Ports {
		if !strings.HasPrefix(p.Name, port.NamePrefix) {
			ports = append(ports, p)
		}
	}
	for _, a := range adapters {
		ports = append(ports, corev1.ContainerPort{
			Name:          apply.PortName(a.Type),
			ContainerPort: int32(a.Port), //nolint:gosec // G115: the benchmark's own numbers
			Protocol:      corev1.ProtocolTCP,
		})
	}
	same = apiequality.Semantic.DeepEqual(containers[at].Ports, ports)
	containers[at].Ports = ports
	return same, nil
}
