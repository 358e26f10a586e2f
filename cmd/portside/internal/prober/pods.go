package prober

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// Pods finds the pods of targets in what is watched. It is safe for concurrent
// use.
type Pods struct {
	mirror *mirror.Mirror
	// owner reads the controller of a ReplicaSet from the API server.
	owner func(ctx context.Context, replicaSet types.NamespacedName) (uid types.UID, owner *metav1.OwnerReference, err error)

	mu sync.Mutex
	// ownerOf is the controller of each ReplicaSet that was asked for. It never
	// changes, so it is asked once.
	ownerOf map[types.UID]types.UID
}

// NewPods finds them in a mirror; owner reads the uid and the controller of a
// ReplicaSet from the API server.
func NewPods(m *mirror.Mirror, owner func(context.Context, types.NamespacedName) (types.UID, *metav1.OwnerReference, error)) *Pods {
	return &Pods{mirror: m, owner: owner, ownerOf: map[types.UID]types.UID{}}
}

// Ready are the ready pods of a target, as [Options].Pods. The first call has
// them watched, and waits for them.
func (p *Pods) Ready(ctx context.Context, t apply.Target, q Question) ([]discovery.Pod, error) {
	p.mirror.WatchPods()
	select {
	case <-p.mirror.PodsSynced():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	controllers := []types.UID{q.UID}
	if t.Kind == apply.Deployment {
		var err error
		if controllers, err = p.replicaSets(ctx, t, q.UID); err != nil {
			return nil, err
		}
	}
	var ready []discovery.Pod
	for _, uid := range controllers {
		for _, pod := range p.mirror.PodsOf(uid) {
			if pod.Ready {
				ready = append(ready, discovery.Pod{Name: pod.Name, Address: pod.Address, Port: portOf(pod, q.Container, q.HTTP.Port)})
			}
		}
	}
	return ready, nil
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

// replicaSets are those of a Deployment that have pods.
func (p *Pods) replicaSets(ctx context.Context, t apply.Target, deployment types.UID) ([]types.UID, error) {
	var uids []types.UID
	for _, rs := range p.mirror.ReplicaSets(t.Namespace, t.Name) {
		owner, err := p.controllerOf(ctx, t.Namespace, rs)
		if err != nil {
			return nil, err
		}
		if owner == deployment {
			uids = append(uids, rs.UID)
		}
	}
	return uids, nil
}

func (p *Pods) controllerOf(ctx context.Context, namespace string, rs mirror.Controller) (types.UID, error) {
	p.mu.Lock()
	known, asked := p.ownerOf[rs.UID]
	p.mu.Unlock()
	if asked {
		return known, nil
	}
	uid, owner, err := p.owner(ctx, types.NamespacedName{Namespace: namespace, Name: rs.Name})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil // it has just gone
	case err != nil:
		return "", err
	case uid != rs.UID:
		return "", nil // another one of that name
	}
	if owner != nil {
		known = owner.UID
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ownerOf[rs.UID] = known
	return known, nil
}
