package discovery

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// ReadOwner reads the UID and the controller of a ReplicaSet from the API server.
type ReadOwner func(ctx context.Context, replicaSet types.NamespacedName) (types.UID, *metav1.OwnerReference, error)

// replicaSet identifies a ReplicaSet as its pods refer to it.
type replicaSet struct {
	name string
	uid  types.UID
}

// replicaSets finds out which ReplicaSets a Deployment controls.
type replicaSets struct {
	read ReadOwner

	mu sync.Mutex
	// owned has the ReplicaSets that were read and whether the Deployment, by
	// its UID, controls them. The controller of an object does not change, so
	// each ReplicaSet is read once for as long as it has pods. The inner maps do
	// not change.
	owned map[types.UID]map[replicaSet]bool
}

// podsOf returns those of the pods whose ReplicaSet the workload controls.
func (r *replicaSets) podsOf(ctx context.Context, d *workload.Definition, w Workload, pods []*corev1.Pod) ([]*corev1.Pod, error) {
	r.mu.Lock()
	known := r.owned[w.UID]
	r.mu.Unlock()
	owned, open := map[replicaSet]bool{}, map[replicaSet]bool{}
	var found []*corev1.Pod
	for _, pod := range pods {
		rs := replicaSetOf(pod)
		if rs == (replicaSet{}) || open[rs] {
			continue
		}
		if _, asked := owned[rs]; !asked {
			controls, final := known[rs]
			if !final {
				var err error
				if controls, final, err = r.controls(ctx, d, w, rs); err != nil {
					return nil, err
				}
			}
			if open[rs] = !final; !final {
				continue
			}
			owned[rs] = controls
		}
		if owned[rs] {
			found = append(found, pod)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil { // else the workload may be forgotten
		r.owned[w.UID] = owned
	}
	return found, nil
}

// replicaSetOf returns the ReplicaSet that controls a pod, or its zero value.
func replicaSetOf(pod *corev1.Pod) replicaSet {
	c := metav1.GetControllerOfNoCopy(pod)
	if c == nil || schema.FromAPIVersionAndKind(c.APIVersion, c.Kind) != workload.ReplicaSet {
		return replicaSet{}
	}
	return replicaSet{c.Name, c.UID}
}

// controls reports whether a Deployment controls a ReplicaSet. The answer is not
// final if the ReplicaSet was not found, or may still be adopted.
func (r *replicaSets) controls(ctx context.Context, d *workload.Definition, w Workload, rs replicaSet) (controls, final bool, err error) {
	uid, owner, err := r.read(ctx, types.NamespacedName{Namespace: w.Target.Namespace, Name: rs.name})
	switch {
	case apierrors.IsNotFound(err):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("cannot read the ReplicaSet %s/%s: %w", w.Target.Namespace, rs.name, err)
	case uid != rs.uid || owner == nil: // another one of that name; or not adopted yet
		return false, false, nil
	}
	return isOwnedBy(owner, d, w), true, nil
}

func (r *replicaSets) forget(deployment types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.owned, deployment)
}
