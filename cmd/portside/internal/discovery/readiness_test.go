package discovery

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// expectReadiness waits until a target has this readiness, and this many pods are asked.
func expectReadiness(t *testing.T, p *Pods, w Workload, asked int, want Readiness) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%s is %+v", w.Target, want), func(ctx context.Context) error {
		found, readiness, err := p.Find(ctx, w, api)
		if err == nil && (readiness != want || len(found) != asked) {
			err = fmt.Errorf("it is %+v, and %d pods are asked", readiness, len(found))
		}
		return err
	})
}

// TestReadiness has a workload whose pods are all ready, one of whose pods is not, and
// one without pods.
func TestReadiness(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ns := cp.Namespace(t)
			web := start(t, cp, kind, ns, "web", 2)
			pods, _ := podsIn(t, cp, ns)
			all := 2
			if kind == "DaemonSet" {
				all = 1 // there is one node
			}
			expectReadiness(t, pods, web, all, Readiness{Ready: all, Desired: all})
			found, _, err := pods.Find(t.Context(), web, api)
			if err != nil {
				t.Fatal(err)
			}
			release := cp.HoldUnready(ns, func(p *corev1.Pod) bool { return p.Name == found[0].Name })
			expectReadiness(t, pods, web, all-1, Readiness{Ready: all - 1, Desired: all, RollingOut: true})
			release()
			expectReadiness(t, pods, web, all, Readiness{Ready: all, Desired: all})
			scale(t, cp, kind, ns, "web", 0)
			if kind != "DaemonSet" {
				expectReadiness(t, pods, web, 0, Readiness{})
			}
			another := web
			another.UID = "of a deleted workload of that name"
			expectReadiness(t, pods, another, 0, Readiness{Unobserved: true})
		})
	}
}

// TestPodsWaitingForPort are asked although they are not ready, until they have
// the port.
func TestPodsWaitingForPort(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	for probe, asked := range map[string]int{"adapter-nfs": 1, "api": 0} {
		t.Run(probe, func(t *testing.T) {
			t.Parallel()
			ns := cp.Namespace(t)
			release := cp.HoldUnready(ns, nil)
			defer release()
			git := cp.Manager("git").In(ns)
			probed := func(ports string) any {
				return labeled("Deployment", "web", fixture.Spec("strategy: {type: Recreate}"),
					fixture.InContainer("server", "{readinessProbe: {tcpSocket: {port: "+probe+"}}, ports: ["+ports+"]}"))
			}
			const static = "{name: api, containerPort: 8080}"
			live := git.MustApply(t, probed(static))
			web := Workload{
				Target: workload.Target{Kind: workload.Deployment, Namespace: ns, Name: "web"}, UID: live.GetUID(), Selector: "app=web", Container: "server",
			}
			pods, _ := podsIn(t, cp, ns)
			expectReadiness(t, pods, web, asked, Readiness{Desired: 1, Waiting: asked, RollingOut: true})
			git.MustApply(t, probed(static+", {name: adapter-nfs, containerPort: 12049}"))
			expectReadiness(t, pods, web, 0, Readiness{Desired: 1, RollingOut: true})
		})
	}
}
