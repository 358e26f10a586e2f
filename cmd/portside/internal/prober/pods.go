package prober

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// Pods finds the pods of targets in the cache. It is a [PodFinder].
type Pods struct {
	cluster *cache.Cluster
	// owner reads the UID and the controller of a ReplicaSet from the API server.
	owner func(ctx context.Context, replicaSet types.NamespacedName) (types.UID, *metav1.OwnerReference, error)

	mu sync.Mutex
	// owned reports which of the ReplicaSets that were read are a Deployment's, by
	// the Deployment's UID. A controller does not change, so each is read once for as
	// long as it has pods.
	owned map[types.UID]map[ownerKey]bool
}

// ownerKey is what a pod says of its ReplicaSet. Anyone can create a pod that says the
// UID of another ReplicaSet than the one of the name.
type ownerKey struct {
	name string
	uid  types.UID
}

func ownerOf(c *metav1.OwnerReference) ownerKey { return ownerKey{c.Name, c.UID} }

// NewPods finds pods in the cache of the cluster; owner reads the UID and the
// controller of a ReplicaSet from the API server.
func NewPods(cluster *cache.Cluster, owner func(context.Context, types.NamespacedName) (types.UID, *metav1.OwnerReference, error)) *Pods {
	return &Pods{cluster: cluster, owner: owner, owned: map[types.UID]map[ownerKey]bool{}}
}

// Find implements [PodFinder]. The first call has pods cached, and waits for them.
func (p *Pods) Find(ctx context.Context, t apply.Target, q Question) (discovery.Pods, error) {
	pods, err := p.podsOf(ctx, t, q)
	if err != nil {
		return discovery.Pods{}, err
	}
	readiness, awaits, err := p.workload(ctx, t, q)
	if err != nil {
		return discovery.Pods{}, err
	}
	found := discovery.Pods{Readiness: readiness}
	for _, pod := range pods {
		switch {
		case isReady(pod):
			found.Ready++
		case waits(pod, q.Container, awaits):
			found.Waiting++
		default:
			continue
		}
		found.Ask = append(found.Ask, discovery.Pod{Name: pod.Name, Address: pod.Status.PodIP, Port: portOf(pod, q.Container, q.HTTP.Port)})
	}
	return found, nil
}

// podsOf returns the pods of a target: those in its namespace that match its
// selector and that it controls.
func (p *Pods) podsOf(ctx context.Context, t apply.Target, q Question) ([]*corev1.Pod, error) {
	selector, err := parseSelector(q.Selector)
	if err != nil {
		return nil, err
	}
	pods, err := p.cluster.Pods(ctx, t.Namespace, selector)
	if err != nil {
		return nil, err
	}
	isTarget := func(c *metav1.OwnerReference) bool {
		return c.Kind == string(t.Kind) && c.Name == t.Name && c.UID == q.UID
	}
	if t.Kind == apply.Deployment {
		owned, err := p.replicaSets(ctx, t, q.UID, pods)
		if err != nil {
			return nil, err
		}
		isTarget = func(c *metav1.OwnerReference) bool { return c.Kind == replicaSet && owned[ownerOf(c)] }
	}
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool {
		c := metav1.GetControllerOfNoCopy(pod)
		return c == nil || c.APIVersion != apply.APIVersion || !isTarget(c)
	}), nil
}

// replicaSet is the kind by which a Deployment controls its pods.
const replicaSet = "ReplicaSet"

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

// portOf returns the number to ask a pod at: 0 where it has no TCP port of the name.
// The container's own comes first.
func portOf(pod *corev1.Pod, container string, port intstr.IntOrString) int32 {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	var elsewhere int32
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		for _, named := range c.Ports {
			switch {
			case named.Name != port.StrVal || named.Protocol != "" && named.Protocol != corev1.ProtocolTCP:
			case c.Name == container:
				return named.ContainerPort
			case elsewhere == 0:
				elsewhere = named.ContainerPort
			}
		}
	}
	return elsewhere
}

// Forget implements [PodFinder].
func (p *Pods) Forget(workload types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.owned, workload)
}

// replicaSets returns the ReplicaSets that control some of the pods, and whether the
// Deployment controls them.
func (p *Pods) replicaSets(ctx context.Context, t apply.Target, deployment types.UID, pods []*corev1.Pod) (map[ownerKey]bool, error) {
	p.mu.Lock()
	known := p.owned[deployment] // a map is not changed once it is stored
	p.mu.Unlock()
	owned, seen := map[ownerKey]bool{}, map[ownerKey]bool{}
	for _, pod := range pods {
		c := metav1.GetControllerOfNoCopy(pod)
		if c == nil || c.APIVersion != apply.APIVersion || c.Kind != replicaSet || seen[ownerOf(c)] {
			continue
		}
		seen[ownerOf(c)] = true
		isOwned, isFinal := known[ownerOf(c)]
		if !isFinal {
			var err error
			if isOwned, isFinal, err = p.owns(ctx, t, deployment, c); err != nil {
				return nil, err
			}
		}
		if isFinal {
			owned[ownerOf(c)] = isOwned
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() == nil {
		p.owned[deployment] = owned
	}
	return owned, nil
}

// owns reports whether a Deployment controls a ReplicaSet. It is not final where
// the ReplicaSet was not found, or may still be adopted.
func (p *Pods) owns(ctx context.Context, t apply.Target, deployment types.UID, rs *metav1.OwnerReference) (owns, final bool, err error) {
	uid, owner, err := p.owner(ctx, types.NamespacedName{Namespace: t.Namespace, Name: rs.Name})
	switch {
	case apierrors.IsNotFound(err):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("cannot read the ReplicaSet %s/%s: %w", t.Namespace, rs.Name, err)
	case uid != rs.UID || owner == nil: // another one of that name; or not adopted yet
		return false, false, nil
	}
	return owner.APIVersion == apply.APIVersion && owner.Kind == string(apply.Deployment) &&
		owner.Name == t.Name && owner.UID == deployment, true, nil
}
