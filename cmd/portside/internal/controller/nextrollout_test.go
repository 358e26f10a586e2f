package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// nextRollout is the mode in which changes wait for a rollout of the owner.
var nextRollout = fixture.Spec("rollout: {mode: NextRollout}")

// startNextRollout returns a scene in real time whose workload is rolled out and whose
// port waits.
func startNextRollout(t *testing.T, kind string, options ...fixture.Option) *scene {
	t.Helper()
	s := realTimeScene(t)
	s.kind = kind
	s.git.MustApply(t, workloadOf(kind, "files", options...))
	s.waitRolledOut(t)
	s.start(t)
	s.declareDeferred(t, "nfs:12049")
	s.expectDeferred(t, "0/1", "adds adapter-nfs (12049/TCP) since ")
	return s
}

// declareDeferred applies the AdapterSet with these adapters.
func (s *scene) declareDeferred(t *testing.T, adapters ...string) {
	t.Helper()
	s.git.MustApply(t, adapterSetOf(s.kind, "files", fixture.Adapters(adapters...), nextRollout))
}

// expectDeferred waits until status reports a change that waits for the next rollout.
func (s *scene) expectDeferred(t *testing.T, ports, message string) {
	t.Helper()
	testenv.Eventually(t, "a change that waits: "+message, func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err != nil {
			return err
		}
		is := fmt.Sprintf("%d/%d", set.Status.ReadyPorts, set.Status.DesiredPorts)
		if is != ports || !conditionIs(set, "Ready", "True", "Deferred") || !conditionIs(set, "Reconciling", "False", "Deferred") ||
			!strings.Contains(set.Status.Conditions[0].Message, message) {
			return fmt.Errorf("%+v", set.Status)
		}
		return nil
	})
}

// roll has the owner change the pod template while pods take time to end, waits for the
// ports, and returns how many pods started until the rollout was complete.
func (s *scene) roll(t *testing.T, image string, ports ...string) (starts int) {
	t.Helper()
	before := s.cp.PodStarts(s.ns)
	release := s.cp.HoldEnding(s.ns)
	defer release()
	patch := fmt.Appendf(nil, `[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": %q}]`, image)
	s.git.MustPatch(t, s.kind, s.ns, "files", types.JSONPatchType, patch)
	s.expectPorts(t, ports...)
	release()
	s.waitRolledOut(t)
	return s.cp.PodStarts(s.ns) - before
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
		"StatefulSet": {"StatefulSet", []fixture.Option{fixture.Spec("replicas: 3")}, 0, "restart at most 3 pods, and with that rollout none; it"},
		"DaemonSet":   {"DaemonSet", nil, 0, "restart at most 3 pods, and with that rollout none; it"},
		"Deployment":  {"Deployment", []fixture.Option{fixture.Spec("replicas: 3")}, 1, "at most 1 more pods start (maxSurge)"},
		"Deployment with maxSurge 100%": {
			"Deployment", []fixture.Option{fixture.Spec("{replicas: 3, strategy: {rollingUpdate: {maxSurge: 100%, maxUnavailable: 0}}}")},
			replicas, "every pod starts twice (maxSurge)",
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
			s := startNextRollout(t, c.kind, c.options...)
			s.expectDeferred(t, "0/1", c.cost)
			history := s.record(t)
			starts := s.roll(t, "example.com/files:2", nfs...)
			if starts < replicas || starts > replicas+c.surge {
				t.Errorf("%d pods started, not %d and at most %d more", starts, replicas, c.surge)
			}
			t.Logf("%d pods started", starts)
			expectTemplateChanges(t, history, 2)
			s.expectReady(t, "True", "InPlace", "1/1")
			s.expect(t, "Reconciling", "False", "AsExpected")
		})
	}
}

// TestNextRollout_Changes: additions, renumberings and removals all wait, and go out
// together. What changes no pod template begins no rollout.
func TestNextRollout_Changes(t *testing.T) {
	t.Parallel()
	s := startNextRollout(t, "StatefulSet")
	s.roll(t, "example.com/files:2", nfs...)
	s.declareDeferred(t, "smb:445")
	s.expectDeferred(t, "1/2", "removes adapter-nfs (12049/TCP) since ")
	starts := s.cp.PodStarts(s.ns)
	s.patch(t, s.kind, `{"metadata":{"labels":{"round":"1"}},"spec":{"replicas":2}}`)
	s.waitRolledOut(t)
	s.declareDeferred(t, "smb:1445") // handled after everything before it
	s.expectDeferred(t, "1/2", "adds adapter-smb (1445/TCP) since ")
	if got := s.cp.PodStarts(s.ns) - starts; got != 1 {
		t.Errorf("%d pods started for another replica", got)
	}
	s.roll(t, "example.com/files:3", "api:8080/TCP", "adapter-smb:1445/TCP")
	s.expectReady(t, "True", "InPlace", "1/1")
}

// TestNextRollout_Restart: a process that has just started does not take a template that
// it has never seen for a new one.
func TestNextRollout_Restart(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, statefulSet())
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS, nextRollout))
	s.expect(t, "Ready", "True", "Deferred")
	since := deferredSince(t, s)
	s.stop()
	s.edit(t, newImage)
	s.waitRolledOut(t)
	s.clock.Step(time.Hour)
	s.restart(t)
	s.catchUp(t)
	s.expect(t, "Ready", "True", "Deferred")
	if now := deferredSince(t, s); now != since {
		t.Errorf("the port has waited since %s, not %s", now, since)
	}
	s.edit(t, strings.Replace(newImage, "files:2", "files:3", 1))
	s.expectPorts(t, nfs...)
}

// deferredSince returns since when the only port has waited.
func deferredSince(t *testing.T, s *scene) string {
	t.Helper()
	set := s.mustGet(t)
	if len(set.Status.Ports) != 1 || set.Status.Ports[0].DeferredSince == nil || set.Status.Ports[0].State != string(status.Pending) {
		t.Fatalf("the ports are %+v", set.Status.Ports)
	}
	return set.Status.Ports[0].DeferredSince.UTC().Format(time.RFC3339)
}
