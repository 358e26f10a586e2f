package prober

import (
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// workload returns how ready a target is, but for the counts of its pods, and
// the names of the adapter ports that probes of the container refer to.
func (p *Pods) workload(t workload.Target, q Question) (r discovery.Readiness, awaits []string) {
	w := p.mirror.Workload(t)
	if w == nil || w.UID != q.UID {
		return discovery.Readiness{Unobserved: true}, nil // the target is about to be forgotten, or asked anew
	}
	r.Desired = int(w.Rollout.Desired)
	r.Unobserved = w.Rollout.Progress.ObservedGeneration < w.Generation
	r.RollingOut = w.Rollout.UnderWay && !r.Unobserved
	if c, err := w.Container(q.Container); err == nil {
		awaits = slices.DeleteFunc(slices.Clone(c.ProbePorts), func(name string) bool { return !strings.HasPrefix(name, port.NamePrefix) })
	}
	return r, awaits
}

// waits reports whether a pod runs and waits for one of the ports: probes of the
// container refer to it by name, and the pod does not declare it. Such a pod is
// not ready before another one, which has the port, takes its place.
func waits(pod *mirror.Pod, container string, ports []string) bool {
	return pod.Running && slices.ContainsFunc(ports, func(port string) bool {
		return !slices.ContainsFunc(pod.Ports, func(p mirror.NamedPort) bool { return p.Container == container && p.Name == port })
	})
}
