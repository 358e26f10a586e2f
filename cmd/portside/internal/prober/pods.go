package prober

import (
	"context"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// Pods finds the pods of targets in what is watched. It is a [PodFinder].
type Pods struct {
	mirror *mirror.Mirror
	// owner reads the controller of a ReplicaSet from the API server.
	owner func(ctx context.Context, replicaSet types.NamespacedName) (uid types.UID, owner *metav1.OwnerReference, err error)

	mu sync.Mutex
	// owners are the controllers of the ReplicaSets that may be a Deployment's,
	// by the Deployment's uid and theirs. A controller never changes, so it is
	// asked once for as long as the ReplicaSet has pods.
	owners map[types.UID]map[types.UID]types.UID
}

// NewPods finds them in a mirror; owner reads the uid and the controller of a
// ReplicaSet from the API server.
func NewPods(m *mirror.Mirror, owner func(context.Context, types.NamespacedName) (types.UID, *metav1.OwnerReference, error)) *Pods {
	return &Pods{mirror: m, owner: owner, owners: map[types.UID]map[types.UID]types.UID{}}
}

// Find implements [PodFinder]. The first call has pods watched, and waits for
// them.
func (p *Pods) Find(ctx context.Context, t apply.Target, q Question) (discovery.Pods, error) {
	p.mirror.WatchPods()
	select {
	case <-p.mirror.PodsSynced():
	case <-ctx.Done():
		return discovery.Pods{}, ctx.Err()
	}
	controllers := []types.UID{q.UID}
	if t.Kind == apply.Deployment {
		var err error
		if controllers, err = p.replicaSets(ctx, t, q.UID); err != nil {
			return discovery.Pods{}, err
		}
	}
	found, awaits := p.workload(t, q)
	for _, uid := range controllers {
		for _, pod := range p.mirror.PodsOf(uid) {
			switch {
			case pod.Ready:
				found.Ready++
			case pod.Running && waits(pod, q.Container, awaits):
				found.Waiting++
			default:
				continue
			}
			found.Ask = append(found.Ask, discovery.Pod{Name: pod.Name, Address: pod.Address, Port: portOf(pod, q.Container, q.HTTP.Port)})
		}
	}
	return found, nil
}

// workload returns what the workload itself says of its pods: how many are
// desired, whether they are being replaced, and the names of the adapter ports
// that probes of the container refer to.
func (p *Pods) workload(t apply.Target, q Question) (pods discovery.Pods, awaits []string) {
	w := p.mirror.Workload(t)
	if w == nil || w.UID != q.UID {
		return discovery.Pods{Readiness: discovery.Readiness{Unobserved: true}}, nil
	}
	pods.Desired = int(w.Rollout.Desired)
	pods.Unobserved = w.Rollout.Progress.ObservedGeneration < w.Generation
	pods.RollingOut = w.Rollout.UnderWay && !pods.Unobserved
	if c, err := w.Container(q.Container); err == nil {
		awaits = slices.DeleteFunc(slices.Clone(c.Awaits), func(name string) bool { return !strings.HasPrefix(name, apply.NamePrefix) })
	}
	return pods, awaits
}

// waits reports whether a pod waits for one of the ports to be declared: its
// probes refer to it, and the pod does not have it. Such a pod is never ready
// before it is replaced by one that has the port.
func waits(pod *mirror.Pod, container string, ports []string) bool {
	return slices.ContainsFunc(ports, func(name string) bool {
		return !slices.ContainsFunc(pod.Ports, func(p mirror.NamedPort) bool { return p.Container == container && p.Name == name })
	})
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
	delete(p.owners, workload)
}

// replicaSets are those of a Deployment that have pods.
func (p *Pods) replicaSets(ctx context.Context, t apply.Target, deployment types.UID) ([]types.UID, error) {
	p.mu.Lock()
	known := p.owners[deployment] // not changed once it is there
	p.mu.Unlock()
	var uids []types.UID
	owners := map[types.UID]types.UID{}
	for _, rs := range p.mirror.ReplicaSets(t.Namespace, t.Name) {
		owner, asked := known[rs.UID]
		if !asked {
			var err error
			if owner, asked, err = p.controllerOf(ctx, t.Namespace, rs); err != nil {
				return nil, err
			}
		}
		if asked {
			owners[rs.UID] = owner
		}
		if owner == deployment {
			uids = append(uids, rs.UID)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() == nil {
		p.owners[deployment] = owners
	}
	return uids, nil
}

// controllerOf asks for the controller of a ReplicaSet, empty if it has none.
// It is false where the ReplicaSet is gone.
func (p *Pods) controllerOf(ctx context.Context, namespace string, rs mirror.Controller) (types.UID, bool, error) {
	uid, owner, err := p.owner(ctx, types.NamespacedName{Namespace: namespace, Name: rs.Name})
	switch {
	case apierrors.IsNotFound(err):
		return "", false, nil
	case err != nil:
		return "", false, err
	case uid != rs.UID:
		return "", false, nil // another one of that name
	case owner == nil:
		return "", true, nil
	}
	return owner.UID, true, nil
}
