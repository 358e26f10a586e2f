package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// nfsAt and smbAlone are what a pod answers.
func nfsAt(port int) string {
	return fmt.Sprintf(`[{"type": "nfs", "port": %d, "enabled": true, "running": true}]`, port)
}

// smbAndNFSAt is what one answers that has both.
func smbAndNFSAt(port int) string {
	return fmt.Sprintf(`[{"type": "smb", "port": 1445, "enabled": true, "running": true}, {"type": "nfs", "port": %d, "enabled": true, "running": true}]`, port)
}

const smbAlone = `[{"type": "smb", "port": 1445, "enabled": true, "running": true}]`

// inactiveSince is when the removal delay of adapter-nfs began as status has it,
// and false while it does not advance.
func (a *asking) inactiveSince(ctx context.Context) (time.Time, bool) {
	a.Helper()
	ports, _, _ := unstructured.NestedSlice(a.adapterSet(ctx, "files").Object, "status", "ports")
	for _, p := range ports {
		if p, ok := p.(map[string]any); ok && p["name"] == "adapter-nfs" {
			text, told, _ := unstructured.NestedString(p, "inactiveSince")
			since, err := time.Parse(time.RFC3339, text)
			if told && err != nil {
				a.Error(err)
			}
			return since, told
		}
	}
	return time.Time{}, false
}

// untilCounting waits until the removal delay of adapter-nfs advances.
func (a *asking) untilCounting() {
	a.Helper()
	a.until("the removal delay to begin", func(ctx context.Context) error {
		if _, counts := a.inactiveSince(ctx); !counts {
			return errors.New("it has not")
		}
		return nil
	})
}

// untilStopped waits until the removal delay of adapter-nfs stands still, and
// lets no time pass.
func (a *asking) untilStopped() {
	a.Helper()
	testenv.Eventually(a, "the removal delay to stop", func(ctx context.Context) error {
		if since, counts := a.inactiveSince(ctx); counts {
			return fmt.Errorf("it counts since %s", since)
		}
		return nil
	})
}

// expectCondition waits for a condition and lets no time pass.
func (a *asking) expectCondition(kind, is, reason string) {
	a.Helper()
	testenv.Eventually(a, fmt.Sprintf("%s is %s, %s", kind, is, reason), a.condition(kind, is, reason))
}

// condition returns a check of a condition of the AdapterSet files.
func (a *asking) condition(kind, is, reason string) func(context.Context) error {
	return func(ctx context.Context) error {
		conditions, _, _ := unstructured.NestedSlice(a.adapterSet(ctx, "files").Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == is && c["reason"] == reason {
				return nil
			}
		}
		return errors.New(fmt.Sprint(conditions))
	}
}

// untilAsked lets time pass until pods were asked some times more.
func (a *asking) untilAsked(times int) {
	a.Helper()
	before, _ := a.site.was("/api/v1/adapters")
	a.until(fmt.Sprintf("the pods to be asked %d times", times), func(context.Context) error {
		if now, _ := a.site.was("/api/v1/adapters"); now < before+times {
			return fmt.Errorf("%d times", now-before)
		}
		return nil
	})
}

// patch is a person's merge patch of the workload, patchSet one of the AdapterSet.
func (a *asking) patch(body string)    { a.Helper(); a.patchObject(a.kind, body) }
func (a *asking) patchSet(body string) { a.Helper(); a.patchObject("AdapterSet", body) }

func (a *asking) patchObject(kind, body string) {
	a.Helper()
	if _, err := a.cp.Manager("person").Patch(a.Context(), kind, a.ns, "files", types.MergePatchType, []byte(body)); err != nil {
		a.Fatal(err)
	}
}

// longDelay is far longer than the time that may pass until a poll.
const (
	longDelay      = 24 * time.Hour
	longDelayPatch = `{"spec":{"rollout":{"removalDelaySeconds":86400}}}`
)

// expectTemplates fails the test unless the pod template was changed so many
// times by now.
func (a *asking) expectTemplates(when string, want int) {
	a.Helper()
	if n := a.templates(); n != want {
		a.Errorf("%s: the pod template was changed %d times, not %d", when, n, want)
	}
}

// TestOldAnswer: a removal that one answer began is not carried out while no
// further poll is complete, however long that takes.
func TestOldAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		pods            int
		begin, end      func(a *asking)
		reason, message string
	}{
		{
			name: "the source fails", pods: 1,
			begin:  func(a *asking) { a.site.say(fails(500)) },
			reason: "ServerError", message: oneOf("the server failed (status 500)"),
		},
		{
			name: "one of two pods fails", pods: 2,
			begin:  func(a *asking) { a.site.say(fails(500), "files-1") },
			reason: "PartlyAnswered", message: "1 of 2 ready pods answered; 1: the server failed (status 500)",
		},
		{
			name: "scaled to 0", pods: 1,
			begin:  func(a *asking) { a.patch(`{"spec":{"replicas":0}}`); a.untilStopped() },
			end:    func(a *asking) { a.patch(`{"spec":{"replicas":1}}`) },
			reason: "NoReadyPods", message: "no pod is ready to be asked",
		},
		{
			name: "the Secret is gone", pods: 1,
			begin: func(a *asking) {
				if err := a.cp.Manager("git").Delete(a.Context(), "Secret", a.ns, "files-portside"); err != nil {
					a.Fatal(err)
				}
			},
			end:    func(a *asking) { a.applySecret() },
			reason: "CredentialsMissing", message: "the Secret with the credentials does not exist",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, c.pods, 20, false)
			a.patchSet(longDelayPatch)
			a.site.say(says(smbAlone))
			a.untilCounting()
			c.begin(a)
			a.untilDiscovered("False", c.reason, c.message)
			a.clock.Step(2 * longDelay)
			a.polls(2)
			a.expectTemplates("before there is another answer", 1)
			a.untilStopped()

			a.site.recover(says(smbAlone))
			if c.end != nil {
				c.end(a)
			}
			a.untilCounting()
			a.clock.Step(longDelay)
			a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP")
			a.cp.WaitRolledOut(t, a.kind, a.ns, "files")
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			a.expectTemplates("in all", 2)
		})
	}
}

// TestOldAnswerOfAnotherProcess: how long the pods were not asked is not known
// after a restart, so a removal begins again with the first complete poll.
func TestOldAnswerOfAnotherProcess(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.patchSet(longDelayPatch)
	a.site.say(says(smbAlone))
	a.untilCounting()
	a.site.say(fails(500))
	a.clock.Step(10 * time.Second)
	a.restart()
	restarted := a.clock.Now()
	a.polls(1)
	a.clock.Step(2 * longDelay)
	a.polls(2)
	a.expectTemplates("before there is an answer", 1)

	a.site.say(says(smbAlone))
	a.until("the removal delay to begin again", func(ctx context.Context) error {
		if since, _ := a.inactiveSince(ctx); !since.After(restarted) {
			return fmt.Errorf("it began at %s, and the restart was at %s", since, restarted)
		}
		return nil
	})
	a.expectTemplates("with the first answer", 1)
	a.clock.Step(longDelay)
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP")
	a.expectTemplates("in all", 2)
}
