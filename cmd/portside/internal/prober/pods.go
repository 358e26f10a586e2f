package prober

import (
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// Pods finds the pods of targets in the mirror. It is a [PodFinder].
type Pods struct {
	mirror *mirror.Mirror
	// owner reads the controller of a ReplicaSet from the API server.
	owner func(ctx context.Context, replicaSet types.NamespacedName) (uid types.UID, owner *metav1.OwnerReference, err error)

	mu sync.Mutex
	// owned reports which of the ReplicaSets that were read are a Deployment's, by
	// the Deployment's UID. A controller does not change, so each is read once
	// for as long as it has pods.
	owned map[types.UID]map[mirror.Controller]bool
}

// NewPods finds them in a mirror; owner reads the UID and the controller of a
// ReplicaSet from the API server.
func NewPods(m *mirror.Mirror, owner func(context.Context, types.NamespacedName) (types.UID, *metav1.OwnerReference, error)) *Pods {
	return &Pods{mirror: m, owner: owner, owned: map[types.UID]map[mirror.Controller]bool{}}
}

// Find implements [PodFinder]. The first call has pods watched, and waits for
// them.
func (p *Pods) Find(ctx context.Context, t workload.Target, q Question) (discovery.Pods, error) {
	p.mirror.WatchPods()
	select {
	case <-p.mirror.PodsSynced():
	case <-ctx.Done():
		return discovery.Pods{}, ctx.Err()
	}
	pods, err := p.podsOf(ctx, t, q)
	if err != nil {
		return discovery.Pods{}, err
	}
	readiness, awaits := p.workload(t, q)
	found := discovery.Pods{Readiness: readiness}
	for _, pod := range pods {
		switch {
		case pod.Ready:
			found.Ready++
		case waits(pod, q.Container, awaits):
			found.Waiting++
		default:
			continue
		}
		found.Ask = append(found.Ask, discovery.Pod{Name: pod.Name, Address: pod.Address, Port: portOf(pod, q.Container, q.HTTP.Port)})
	}
	return found, nil
}

// podsOf returns the pods of a target: those in its namespace that match its
// selector and that it controls.
func (p *Pods) podsOf(ctx context.Context, t workload.Target, q Question) ([]*mirror.Pod, error) {
	selector, err := parseSelector(q.Selector)
	if err != nil {
		return nil, err
	}
	controllers := []mirror.Controller{{Kind: t.Kind, Name: t.Name, UID: q.UID}}
	definition, err := workload.Define(t.Kind)
	if err != nil {
		return nil, err
	}
	if definition.PodController == workload.ReplicaSet {
		if controllers, err = p.replicaSets(ctx, t, q.UID, selector); err != nil {
			return nil, err
		}
	}
	var pods []*mirror.Pod
	for _, c := range controllers {
		pods = append(pods, p.selected(t.Namespace, c, selector)...)
	}
	return pods, nil
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

// selected returns the pods of a controller that match a selector.
func (p *Pods) selected(namespace string, c mirror.Controller, selector labels.Selector) []*mirror.Pod {
	return slices.DeleteFunc(p.mirror.PodsOf(namespace, c), func(pod *mirror.Pod) bool { return !selector.Matches(pod.Labels) })
}

// portOf is the number to ask a pod at: 0 where it has no port of the name. The
// container's own comes first.
func portOf(pod *mirror.Pod, container string, port intstr.IntOrString) int32 {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	var elsewhere int32
	for _, named := range pod.Ports {
		switch {
		case named.Name != port.StrVal:
		case named.Container == container:
			return named.Number
		case elsewhere == 0:
			elsewhere = named.Number
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

// replicaSets returns the ReplicaSets of a Deployment that have pods.
func (p *Pods) replicaSets(ctx context.Context, t workload.Target, deployment types.UID, selector labels.Selector) ([]mirror.Controller, error) {
	p.mu.Lock()
	known := p.owned[deployment] // not changed once it is there
	p.mu.Unlock()
	var found []mirror.Controller
	owned := map[mirror.Controller]bool{}
	for _, rs := range p.mirror.ReplicaSets(t.Namespace) {
		if len(p.selected(t.Namespace, rs, selector)) == 0 {
			continue
		}
		isOwned, read := known[rs]
		if !read {
			var err error
			if isOwned, read, err = p.owns(ctx, t, deployment, rs); err != nil {
				return nil, err
			}
		}
		if read {
			owned[rs] = isOwned
		}
		if isOwned {
			found = append(found, rs)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() == nil {
		p.owned[deployment] = owned
	}
	return found, nil
}

// owns reports whether a Deployment controls a ReplicaSet. It is not final where
// the ReplicaSet was not found, or may still be adopted.
func (p *Pods) owns(ctx context.Context, t workload.Target, deployment types.UID, rs mirror.Controller) (owns, final bool, err error) {
	uid, owner, err := p.owner(ctx, types.NamespacedName{Namespace: t.Namespace, Name: rs.Name})
	switch {
	case apierrors.IsNotFound(err):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("cannot read the ReplicaSet %s/%s: %w", t.Namespace, rs.Name, err)
	case uid != rs.UID || owner == nil: // another one of that name; or not adopted yet
		return false, false, nil
	}
	return workload.KindOf(owner.APIVersion, owner.Kind) == t.Kind &&
		owner.Name == t.Name && owner.UID == deployment, true, nil
}
