package prober

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv"
)

// expectReadiness waits until a target is so ready, and so many pods are asked.
func expectReadiness(t *testing.T, p *Pods, target workload.Target, q Question, asked int, want discovery.Readiness) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%s is %+v", target, want), func(ctx context.Context) error {
		found, err := p.Find(ctx, target, q)
		if err == nil && (found.Readiness != want || len(found.Ask) != asked) {
			err = fmt.Errorf("it is %+v, and %d pods are asked", found.Readiness, len(found.Ask))
		}
		return err
	})
}

// TestReadiness of a workload whose pods are all ready, of which one is not, and
// that has none.
func TestReadiness(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ns := cp.Namespace(t)
			web, q := start(t, cp, kind, ns, "web", 2)
			pods, _ := podsIn(t, cp, ns)
			all := 2
			if kind == "DaemonSet" {
				all = 1 // there is one node
			}
			expectReadiness(t, pods, web, q, all, discovery.Readiness{Ready: all, Desired: all})
			found, err := pods.Find(t.Context(), web, q)
			if err != nil {
				t.Fatal(err)
			}
			release := cp.HoldUnready(ns, func(p *corev1.Pod) bool { return p.Name == found.Ask[0].Name })
			expectReadiness(t, pods, web, q, all-1, discovery.Readiness{Ready: all - 1, Desired: all, RollingOut: true})
			release()
			expectReadiness(t, pods, web, q, all, discovery.Readiness{Ready: all, Desired: all})
			scale(t, cp, kind, ns, "web", 0)
			if kind != "DaemonSet" {
				expectReadiness(t, pods, web, q, 0, discovery.Readiness{})
			}
			another := q
			another.UID = "of a workload of that name that is gone"
			expectReadiness(t, pods, web, another, 0, discovery.Readiness{Unobserved: true})
		})
	}
}

// TestPodsThatWaitForAPort are asked although they are not ready, until they have
// the port.
func TestPodsThatWaitForAPort(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	for probe, asked := range map[string]int{"adapter-nfs": 1, "api": 0} {
		t.Run(probe, func(t *testing.T) {
			t.Parallel()
			ns := cp.Namespace(t)
			release := cp.HoldUnready(ns, nil)
			defer release()
			git := cp.Manager("git").In(ns)
			object := strings.NewReplacer(
				"spec:\n  selector", "spec:\n  strategy: {type: Recreate}\n  selector",
				"image: server,", "image: server, readinessProbe: {tcpSocket: {port: "+probe+"}},",
			).Replace(fmt.Sprintf(workloads, "Deployment", "web"))
			live, err := git.Apply(t.Context(), object)
			if err != nil {
				t.Fatal(err)
			}
			web, q := workload.Target{Kind: workload.Deployment, Namespace: ns, Name: "web"}, Question{UID: live.GetUID(), Selector: "app=web", Container: "server"}
			pods, _ := podsIn(t, cp, ns)
			expectReadiness(t, pods, web, q, asked, discovery.Readiness{Desired: 1, Waiting: asked, RollingOut: true})
			withPort := strings.Replace(object, "{name: api, containerPort: 8080}", "{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}", 1)
			if _, err := git.Apply(t.Context(), withPort); err != nil {
				t.Fatal(err)
			}
			expectReadiness(t, pods, web, q, 0, discovery.Readiness{Desired: 1, RollingOut: true})
		})
	}
}
