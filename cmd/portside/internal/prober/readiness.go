package prober

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// workload returns how ready a target is, but for the counts of its pods, and
// the names of the adapter ports that probes of the container refer to.
func (p *Pods) workload(ctx context.Context, t apply.Target, q Question) (r discovery.Readiness, awaits []string, err error) {
	w, err := p.cluster.Workload(ctx, t)
	if err != nil || w == nil || w.UID != q.UID {
		return discovery.Readiness{Unobserved: true}, nil, err // the target is about to be forgotten, or asked again
	}
	r.Desired = int(w.Rollout.Desired)
	r.Unobserved = w.Rollout.Progress.ObservedGeneration < w.Generation
	r.RollingOut = w.Rollout.UnderWay && !r.Unobserved
	if c, err := w.Container(q.Container); err == nil {
		awaits = slices.DeleteFunc(slices.Clone(c.Awaits), func(port string) bool { return !strings.HasPrefix(port, apply.NamePrefix) })
	}
	return r, awaits, nil
}

// isReady reports whether a pod is ready and not being deleted.
func isReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// waits reports whether a pod runs and waits for one of the ports: probes of the
// container refer to it by name, and the pod does not declare it. Such a pod is
// not ready before another one, which has the port, takes its place.
func waits(pod *corev1.Pod, container string, ports []string) bool {
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
		return false
	}
	var declared []corev1.ContainerPort
	if i := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == container }); i >= 0 {
		declared = pod.Spec.Containers[i].Ports
	}
	return slices.ContainsFunc(ports, func(port string) bool {
		return !slices.ContainsFunc(declared, func(p corev1.ContainerPort) bool { return p.Name == port })
	})
}
