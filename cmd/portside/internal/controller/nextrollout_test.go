package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// nextRollout is a namespace with a workload of three pods, and an AdapterSet with mode
// NextRollout.
type nextRollout struct {
	cp       *testenv.ControlPlane
	ns, kind string
	git      *testenv.Manager
}

// startNextRollout returns once the workload is rolled out and the port waits.
func startNextRollout(t *testing.T, kind string, options ...fixture.Option) *nextRollout {
	t.Helper()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	n := &nextRollout{cp: cp, ns: ns, kind: kind, git: cp.Manager("git").In(ns)}
	options = append([]fixture.Option{fixture.Container("server", "api:8080/TCP")}, options...)
	n.git.MustApply(t, fixture.Workload(kind, "files", options...))
	cp.WaitRolledOut(t, kind, ns, "files")
	serve(t, cp, ns)
	n.declare(t, "[{type: nfs, port: 12049}]")
	n.expect(t, "0/1", "adds adapter-nfs (12049/TCP) since ")
	return n
}

// declare applies the AdapterSet with these adapters.
func (n *nextRollout) declare(t *testing.T, adapters string) {
	t.Helper()
	set := strings.Replace(adapterSet(adapters, ""), "kind: StatefulSet", "kind: "+n.kind, 1)
	mustApply(t, n.git, strings.Replace(set, "rollout: {", "rollout: {mode: NextRollout, ", 1))
}

// expect waits until status reports a change that waits for the next rollout.
func (n *nextRollout) expect(t *testing.T, ports, message string) {
	t.Helper()
	expectReady(t, n.cp, n.ns, "True", "Deferred", ports)
	expectCondition(t, n.cp, n.ns, "files", "Reconciling", "False", "Deferred")
	live, err := n.git.Get(t.Context(), "AdapterSet", n.ns, "files")
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(live.Object["status"]); !strings.Contains(text, message) {
		t.Errorf("status does not have %q: %s", message, text)
	}
}

// roll has the owner change the pod template while pods take time to end, waits for the
// ports, and returns how many pods started until the rollout was complete.
func (n *nextRollout) roll(t *testing.T, image string, ports ...string) (starts int) {
	t.Helper()
	before := n.cp.PodStarts(n.ns)
	release := n.cp.HoldEnding(n.ns)
	defer release()
	patch := fmt.Appendf(nil, `[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": %q}]`, image)
	if _, err := n.git.Patch(t.Context(), n.kind, n.ns, "files", types.JSONPatchType, patch); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, fmt.Sprintf("ports %q", ports), func(ctx context.Context) error {
		live, err := n.git.Get(ctx, n.kind, n.ns, "files")
		if err == nil && !slices.Equal(testenv.Ports(live, "server"), ports) {
			err = fmt.Errorf("they are %q", testenv.Ports(live, "server"))
		}
		return err
	})
	release()
	n.cp.WaitRolledOut(t, n.kind, n.ns, "files")
	return n.cp.PodStarts(n.ns) - before
}

// TestNextRollout_PodStarts: a change that goes with an owner's rollout starts each pod
// of a StatefulSet or DaemonSet once, and of a Deployment at most maxSurge pods once
// more. With maxSurge 100% that is every pod.
func TestNextRollout_PodStarts(t *testing.T) {
	t.Parallel()
	const replicas = 3
	for name, c := range map[string]struct {
		kind    string
		options []fixture.Option
		surge   int
		cost    string
	}{
		"StatefulSet": {"StatefulSet", []fixture.Option{fixture.Spec("replicas: 3")}, 0, "restart at most 3 pods; it"},
		"DaemonSet":   {"DaemonSet", nil, 0, "restart at most 3 pods; it"},
		"Deployment":  {"Deployment", []fixture.Option{fixture.Spec("replicas: 3")}, 1, "starts at most 1 more (maxSurge)"},
		"Deployment with maxSurge 100%": {
			"Deployment", []fixture.Option{fixture.Spec("{replicas: 3, strategy: {rollingUpdate: {maxSurge: 100%, maxUnavailable: 0}}}")},
			replicas, "starts as many once more (maxSurge)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.kind == "DaemonSet" {
				cp := testenv.WithControllers(t)
				for i := range replicas - 1 {
					cp.AddNode(t, fmt.Sprintf("next-rollout-%d", i))
				}
				c.options = append(c.options, fixture.Spec(`template: {spec: {tolerations: [{key: next-rollout-0}, {key: next-rollout-1}]}}`))
			}
			n := startNextRollout(t, c.kind, c.options...)
			n.expect(t, "0/1", c.cost)
			history := n.cp.Record(t, c.kind, n.ns, "files")
			starts := n.roll(t, "example.com/files:2", "api:8080/TCP", "adapter-nfs:12049/TCP")
			if starts < replicas || starts > replicas+c.surge {
				t.Errorf("%d pods started, not %d and at most %d more", starts, replicas, c.surge)
			}
			t.Logf("%d pods started", starts)
			templateChanges(t, history, 2)
			expectReady(t, n.cp, n.ns, "True", "InPlace", "1/1")
			expectCondition(t, n.cp, n.ns, "files", "Reconciling", "False", "AsExpected")
		})
	}
}

// TestNextRollout_Changes: additions, renumberings and removals all wait, and go out
// together. What changes no pod template begins no rollout.
func TestNextRollout_Changes(t *testing.T) {
	t.Parallel()
	n := startNextRollout(t, "StatefulSet")
	n.roll(t, "example.com/files:2", "api:8080/TCP", "adapter-nfs:12049/TCP")
	n.declare(t, "[{type: smb, port: 445}]")
	n.expect(t, "1/2", "removes adapter-nfs (12049/TCP) since ")
	starts := n.cp.PodStarts(n.ns)
	if _, err := n.git.Patch(t.Context(), n.kind, n.ns, "files", types.MergePatchType, []byte(`{"metadata":{"labels":{"round":"1"}},"spec":{"replicas":2}}`)); err != nil {
		t.Fatal(err)
	}
	n.cp.WaitRolledOut(t, n.kind, n.ns, "files")
	n.declare(t, "[{type: smb, port: 1445}]") // what was before it was handled before it
	n.expect(t, "1/2", "adds adapter-smb (1445/TCP) since ")
	if got := n.cp.PodStarts(n.ns) - starts; got != 1 {
		t.Errorf("%d pods started for another replica", got)
	}
	n.roll(t, "example.com/files:3", "api:8080/TCP", "adapter-smb:1445/TCP")
	expectReady(t, n.cp, n.ns, "True", "InPlace", "1/1")
}

// TestNextRollout_Restart: a process that has just started does not take a template that
// it has never seen for a new one.
func TestNextRollout_Restart(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, statefulSet)
	s.rolledOut(t)
	deferred := strings.Replace(adapterSet(withNFS, ""), "rollout: {", "rollout: {mode: NextRollout, ", 1)
	mustApply(t, s.git, deferred)
	s.expect(t, "Ready", "True", "Deferred")
	since := deferredSince(t, s)
	s.stop()
	s.edit(t, newImage)
	s.rolledOut(t)
	s.clock.Step(time.Hour)
	s.restart(t)
	s.caughtUp(t)
	s.expect(t, "Ready", "True", "Deferred")
	if now := deferredSince(t, s); now != since {
		t.Errorf("the port has waited since %s, not %s", now, since)
	}
	s.edit(t, strings.Replace(newImage, "files:2", "files:3", 1))
	expectPorts(t, s.cp, s.ns, nfs...)
}

// deferredSince returns since when the only port has waited.
func deferredSince(t *testing.T, s *scene) string {
	t.Helper()
	set, err := s.get(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Status.Ports) != 1 || set.Status.Ports[0].DeferredSince == nil || set.Status.Ports[0].State != string(status.Pending) {
		t.Fatalf("the ports are %+v", set.Status.Ports)
	}
	return set.Status.Ports[0].DeferredSince.UTC().Format(time.RFC3339)
}
