package apply

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/utils/ptr"
)

// Kind is a kind of workload of apps/v1.
type Kind string

// The kinds that portside knows: those whose pod template has ports that a
// controller rolls out.
const (
	StatefulSet workload.Kind = "StatefulSet"
	Deployment  workload.Kind = "Deployment"
	DaemonSet   workload.Kind = "DaemonSet"
)

// Kinds lists them.
var Kinds = []workload.Kind{workload.StatefulSet, workload.Deployment, workload.DaemonSet}

// APIVersion is the group and version of every kind.
const APIVersion = "apps/v1"

// Resource is the kind's plural as kubectl prints it, without the group.
func (k workload.Kind) Resource() string { return strings.ToLower(string(k)) + "s" }

// api is the little of the API that portside uses of a kind.
type api interface {
	get(ctx context.Context, client appsclient.AppsV1Interface, t workload.Target) (*workload.Workload, error)
	apply(ctx context.Context, client appsclient.AppsV1Interface, c configuration, o metav1.ApplyOptions) (*workload.Workload, error)
	patch(ctx context.Context, client appsclient.AppsV1Interface, t workload.Target, patch []byte, o metav1.PatchOptions) (*workload.Workload, error)
}

var apis = map[workload.Kind]api{
	workload.StatefulSet: kindAPI[*appsv1.StatefulSet, *applyappsv1.StatefulSetApplyConfiguration]{
		client: func(c appsclient.AppsV1Interface, ns string) typedClient[*appsv1.StatefulSet, *applyappsv1.StatefulSetApplyConfiguration] {
			return c.StatefulSets(ns)
		},
		configure: configureStatefulSet,
		read:      workload.ReadStatefulSet,
	},
	workload.Deployment: kindAPI[*appsv1.Deployment, *applyappsv1.DeploymentApplyConfiguration]{
		client: func(c appsclient.AppsV1Interface, ns string) typedClient[*appsv1.Deployment, *applyappsv1.DeploymentApplyConfiguration] {
			return c.Deployments(ns)
		},
		configure: configureDeployment,
		read:      workload.ReadDeployment,
	},
	workload.DaemonSet: kindAPI[*appsv1.DaemonSet, *applyappsv1.DaemonSetApplyConfiguration]{
		client: func(c appsclient.AppsV1Interface, ns string) typedClient[*appsv1.DaemonSet, *applyappsv1.DaemonSetApplyConfiguration] {
			return c.DaemonSets(ns)
		},
		configure: configureDaemonSet,
		read:      workload.ReadDaemonSet,
	},
}

// apiOf finds the API of a kind that may have come from a user.
func apiOf(k workload.Kind) (api, error) {
	if known, ok := apis[k]; ok {
		return known, nil
	}
	return nil, fmt.Errorf("kind %q is not known; known are %v of %s", k, workload.Kinds, APIVersion)
}

// typedClient is what client-go's typed clients have in common.
type typedClient[Object, Configuration any] interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (Object, error)
	Apply(ctx context.Context, c Configuration, o metav1.ApplyOptions) (Object, error)
	Patch(ctx context.Context, name string, pt types.PatchType, data []byte, o metav1.PatchOptions, subresources ...string) (Object, error)
}

type kindAPI[Object, Configuration any] struct {
	client    func(appsclient.AppsV1Interface, string) typedClient[Object, Configuration]
	configure func(configuration) Configuration
	read      func(Object) *workload.Workload
}

func (k kindAPI[O, C]) get(ctx context.Context, client appsclient.AppsV1Interface, t workload.Target) (*workload.Workload, error) {
	return k.answer(k.client(client, t.Namespace).Get(ctx, t.Name, metav1.GetOptions{}))
}

func (k kindAPI[O, C]) apply(ctx context.Context, client appsclient.AppsV1Interface, c configuration, o metav1.ApplyOptions) (*workload.Workload, error) {
	return k.answer(k.client(client, c.workload.Namespace).Apply(ctx, k.configure(c), o))
}

func (k kindAPI[O, C]) patch(ctx context.Context, client appsclient.AppsV1Interface, t workload.Target, patch []byte, o metav1.PatchOptions) (*workload.Workload, error) {
	return k.answer(k.client(client, t.Namespace).Patch(ctx, t.Name, types.JSONPatchType, patch, o))
}

func (k kindAPI[O, C]) answer(object O, err error) (*workload.Workload, error) {
	if err != nil {
		return nil, err
	}
	w := k.read(object)
	w.object = object
	return w, nil
}

// ReadStatefulSet reads what portside needs of a StatefulSet.
func ReadStatefulSet(s *appsv1.StatefulSet) *workload.Workload {
	restarts := ptr.Deref(s.Spec.Replicas, 1)
	switch u := s.Spec.UpdateStrategy; {
	case u.Type == appsv1.OnDeleteStatefulSetStrategyType:
		restarts = 0
	case u.RollingUpdate != nil:
		restarts = max(0, restarts-ptr.Deref(u.RollingUpdate.Partition, 0))
	}
	return workloadOf(workload.StatefulSet, &s.ObjectMeta, s.Spec.Selector, &s.Spec.Template, restarts, rolloutOfStatefulSet(s))
}

// ReadDeployment reads what portside needs of a Deployment.
func ReadDeployment(d *appsv1.Deployment) *workload.Workload {
	restarts := ptr.Deref(d.Spec.Replicas, 1)
	if d.Spec.Paused {
		restarts = 0
	}
	return workloadOf(workload.Deployment, &d.ObjectMeta, d.Spec.Selector, &d.Spec.Template, restarts, rolloutOfDeployment(d))
}

// ReadDaemonSet reads what portside needs of a DaemonSet.
func ReadDaemonSet(d *appsv1.DaemonSet) *workload.Workload {
	restarts := d.Status.DesiredNumberScheduled
	if d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		restarts = 0
	}
	return workloadOf(workload.DaemonSet, &d.ObjectMeta, d.Spec.Selector, &d.Spec.Template, restarts, rolloutOfDaemonSet(d))
}

func configureStatefulSet(c configuration) *applyappsv1.StatefulSetApplyConfiguration {
	s := applyappsv1.StatefulSet(c.workload.Name, c.workload.Namespace).WithUID(c.workload.UID)
	if c.asRead {
		s.WithResourceVersion(c.workload.ResourceVersion)
	}
	if template := c.template(); template != nil {
		s.WithSpec(applyappsv1.StatefulSetSpec().WithTemplate(template))
	}
	return s
}

func configureDeployment(c configuration) *applyappsv1.DeploymentApplyConfiguration {
	d := applyappsv1.Deployment(c.workload.Name, c.workload.Namespace).WithUID(c.workload.UID)
	if c.asRead {
		d.WithResourceVersion(c.workload.ResourceVersion)
	}
	if template := c.template(); template != nil {
		d.WithSpec(applyappsv1.DeploymentSpec().WithTemplate(template))
	}
	return d
}

func configureDaemonSet(c configuration) *applyappsv1.DaemonSetApplyConfiguration {
	d := applyappsv1.DaemonSet(c.workload.Name, c.workload.Namespace).WithUID(c.workload.UID)
	if c.asRead {
		d.WithResourceVersion(c.workload.ResourceVersion)
	}
	if template := c.template(); template != nil {
		d.WithSpec(applyappsv1.DaemonSetSpec().WithTemplate(template))
	}
	return d
}

// configuration is what one apply says of a workload. The uid makes the server
// refuse it for a workload that is gone or was made anew, instead of creating
// one.
type configuration struct {
	workload  *workload.Workload
	container string
	ports     []port.Port
	// also are other containers, whose ports stay as they are.
	also []containerPorts
	// asRead insists on the workload as it was read, by its resourceVersion: the
	// server refuses the apply with a conflict (409) once it has changed.
	asRead bool
}

type containerPorts struct {
	container string
	ports     []port.Port
}

// template holds the container and its ports; it is nil where there is none to
// name, so that the configuration is metadata alone and gives up all we own.
func (c configuration) template() *applycorev1.PodTemplateSpecApplyConfiguration {
	if len(c.ports) == 0 {
		return nil
	}
	says := map[string][]port.Port{c.container: c.ports}
	for _, other := range c.also {
		says[other.container] = other.ports
	}
	pod := applycorev1.PodSpec()
	for _, live := range c.workload.Containers { // the order of an applied list wins
		ports, named := says[live.Name]
		if !named {
			continue
		}
		container := applycorev1.Container().WithName(live.Name)
		for _, p := range ports {
			port := applycorev1.ContainerPort().WithContainerPort(p.Number).WithProtocol(p.Protocol)
			if p.Name != "" {
				port.WithName(p.Name)
			}
			container.WithPorts(port)
		}
		pod.WithContainers(container)
	}
	return applycorev1.PodTemplateSpec().WithSpec(pod)
}
