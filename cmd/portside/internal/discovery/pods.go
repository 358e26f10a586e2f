package discovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// Pod is a pod to ask.
type Pod struct {
	Name string
	// Address is the IP of the pod, from its status.
	Address string
	// Port is 0 if the pod has no port of the name in spec.discovery.http.port. It is
	// the pod's own: pods of two revisions may have different numbers for one
	// name.
	Port int32
}

// Cache returns workloads and pods as last observed. The objects must not be
// changed.
type Cache interface {
	// Workload returns a workload, or nil if it does not exist.
	Workload(ctx context.Context, t workload.Target) (*workload.Workload, error)
	// Pods returns the pods of a namespace that match a selector. The first call may
	// wait, until ctx ends, for pods to be cached.
	Pods(ctx context.Context, namespace string, selector labels.Selector) ([]*corev1.Pod, error)
}

// Pods finds the pods of workloads. It is safe for concurrent use.
type Pods struct {
	cache       Cache
	replicaSets replicaSets
}

// NewPods finds the pods in a cache. ReadOwner reads the UID and the controller of
// a ReplicaSet from the API server.
func NewPods(cache Cache, readOwner ReadOwner) *Pods {
	return &Pods{cache: cache, replicaSets: replicaSets{read: readOwner, owned: map[types.UID]map[replicaSet]bool{}}}
}

// Find returns the pods of a workload that can be asked, with the number that the
// port has in each, and how ready the workload is. A pod can be asked if it is
// ready, and also if it runs and waits for an adapter port to be declared.
func (p *Pods) Find(ctx context.Context, w Workload, port intstr.IntOrString) ([]Pod, Readiness, error) {
	pods, err := p.podsOf(ctx, w)
	if err != nil {
		return nil, Readiness{}, err
	}
	readiness, probed, err := p.workload(ctx, w)
	if err != nil {
		return nil, Readiness{}, err
	}
	var found []Pod
	for _, pod := range pods {
		switch {
		case pod.DeletionTimestamp != nil:
			continue
		case isReady(pod):
			readiness.Ready++
		case waits(pod, w.Container, probed):
			readiness.Waiting++
		default:
			continue
		}
		found = append(found, Pod{Name: pod.Name, Address: pod.Status.PodIP, Port: portOf(pod, w.Container, port)})
	}
	return found, readiness, nil
}

// Forget drops what is kept of a workload.
func (p *Pods) Forget(workload types.UID) { p.replicaSets.forget(workload) }

// podsOf returns the pods of a workload, by name: those in its namespace that
// match its selector and that it controls.
func (p *Pods) podsOf(ctx context.Context, w Workload) ([]*corev1.Pod, error) {
	selector, err := parseSelector(w.Selector)
	if err != nil {
		return nil, err
	}
	pods, err := p.cache.Pods(ctx, w.Target.Namespace, selector)
	if err != nil {
		return nil, fmt.Errorf("cannot list the pods of %s: %w", w.Target, err)
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	d, err := workload.Define(w.Target.Kind)
	if err != nil {
		return nil, err
	}
	if d.PodController == workload.ReplicaSet {
		return p.replicaSets.podsOf(ctx, d, w, pods)
	}
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool { return !isOwnedBy(metav1.GetControllerOfNoCopy(pod), d, w) }), nil
}

// isOwnedBy reports whether a reference is to this workload.
func isOwnedBy(owner *metav1.OwnerReference, d *workload.Definition, w Workload) bool {
	return owner != nil && owner.APIVersion == d.APIVersion() && owner.Kind == d.Kind.Kind && owner.Name == w.Target.Name && owner.UID == w.UID
}

// parseSelector parses the selector of a workload. An empty one selects no pod.
func parseSelector(text string) (labels.Selector, error) {
	if text == "" {
		return labels.Nothing(), nil
	}
	selector, err := labels.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("cannot parse the workload's selector %q: %w", text, err)
	}
	return selector, nil
}

// workload returns how ready a workload is, but for the counts of its pods, and
// the names of the adapter ports that probes of the container refer to.
func (p *Pods) workload(ctx context.Context, w Workload) (r Readiness, probed []string, err error) {
	live, err := p.cache.Workload(ctx, w.Target)
	if err != nil || live == nil || live.UID != w.UID {
		return Readiness{Unobserved: true}, nil, err // the next reconcile asks about another one, or about none
	}
	r.Desired = int(live.Rollout.Desired)
	r.Unobserved = live.Rollout.Progress.ObservedGeneration < live.Generation
	r.RollingOut = live.Rollout.UnderWay && !r.Unobserved
	if c, err := live.Container(w.Container); err == nil {
		probed = slices.DeleteFunc(slices.Clone(c.ProbePorts), func(name string) bool { return !strings.HasPrefix(name, port.NamePrefix) })
	}
	return r, probed, nil
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// waits reports whether a pod runs and waits for one of the ports: probes of the
// container refer to it by name, and the pod does not declare it. Such a pod is
// not ready before another one, which has the port, replaces it.
func waits(pod *corev1.Pod, container string, ports []string) bool {
	return pod.Status.Phase == corev1.PodRunning && slices.ContainsFunc(ports, func(port string) bool {
		return numberIn(pod, port, func(name string) bool { return name == container }) == 0
	})
}

// portOf returns the number of the port to ask a pod at: 0 if the pod has no port
// of that name. The container's own comes first.
func portOf(pod *corev1.Pod, container string, port intstr.IntOrString) int32 {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	if own := numberIn(pod, port.StrVal, func(name string) bool { return name == container }); own != 0 {
		return own
	}
	return numberIn(pod, port.StrVal, func(string) bool { return true })
}

// numberIn returns the number of the first TCP port of this name in containers
// that match, or 0.
func numberIn(pod *corev1.Pod, port string, match func(container string) bool) int32 {
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; match(c.Name) {
			for _, p := range c.Ports {
				if p.Name == port && (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP) {
					return p.ContainerPort
				}
			}
		}
	}
	return 0
}
