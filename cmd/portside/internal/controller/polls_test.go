package controller

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv/dittofs"
)

// Answers of pods.
var (
	nfsAt12049    = dittofs.Adapters("nfs:12049")
	nfsAt12050    = dittofs.Adapters("nfs:12050")
	smbNFSAt12049 = dittofs.Adapters("smb:1445", "nfs:12049")
	smbNFSAt12050 = dittofs.Adapters("smb:1445", "nfs:12050")
	smbAlone      = dittofs.Adapters("smb:1445")
)

// longDelay is far longer than the time until a poll.
const (
	longDelay      = 24 * time.Hour
	longDelayPatch = `{"spec":{"rollout":{"removalDelaySeconds":86400}}}`
)

// TestOldAnswer: a removal that an answer began waits, for any time, until another
// poll is complete.
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
			begin:  func(a *asking) { a.server.Answer(dittofs.Status(500)) },
			reason: "ServerError", message: oneOf("the server failed (status 500)"),
		},
		{
			name: "one of two pods fails", pods: 2,
			begin:  func(a *asking) { a.server.Answer(dittofs.Status(500), "files-1") },
			reason: "PartlyAnswered", message: "1 of 2 ready pods answered; 1: the server failed (status 500)",
		},
		{
			name: "scaled to 0", pods: 1,
			begin:  func(a *asking) { a.patch(a, a.kind, `{"spec":{"replicas":0}}`); a.expectStopped() },
			end:    func(a *asking) { a.patch(a, a.kind, `{"spec":{"replicas":1}}`) },
			reason: "NoReadyPods", message: "no pod is ready to be asked",
		},
		{
			name: "the Secret is deleted", pods: 1,
			begin: func(a *asking) {
				a.cp.Manager("git").MustDelete(a, "Secret", a.ns, "files-portside")
			},
			end:    func(a *asking) { a.applySecret() },
			reason: "CredentialsMissing", message: "the Secret with the credentials does not exist",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, c.pods, 20, false)
			a.patch(a, "AdapterSet", longDelayPatch)
			a.server.Answer(smbAlone)
			a.untilCounting()
			c.begin(a)
			a.untilDiscovered("False", c.reason, c.message)
			a.clock.Step(2 * longDelay)
			a.polls(2)
			a.expectTemplates("before there is another answer", 1)
			a.expectStopped()

			a.server.Recover(smbAlone)
			if c.end != nil {
				c.end(a)
			}
			a.untilCounting()
			a.clock.Step(longDelay)
			a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP")
			a.waitRolledOut(t)
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			a.expectTemplates("in all", 2)
		})
	}
}

// TestOldAnswerAfterRestart: after a restart it is not known how long the pods were not
// asked, so a removal begins again with the first complete poll.
func TestOldAnswerAfterRestart(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.patch(a, "AdapterSet", longDelayPatch)
	a.server.Answer(smbAlone)
	a.untilCounting()
	a.server.Answer(dittofs.Status(500))
	a.clock.Step(10 * time.Second)
	a.restart()
	restarted := a.clock.Now()
	a.polls(1)
	a.clock.Step(2 * longDelay)
	a.polls(2)
	a.expectTemplates("before there is an answer", 1)

	a.server.Answer(smbAlone)
	a.until("the removal delay to begin again", func(ctx context.Context) error {
		since, err := a.inactiveSince(ctx)
		if err == nil && (since == nil || !since.After(restarted)) {
			err = fmt.Errorf("it began at %v, and the restart was at %s", since, restarted)
		}
		return err
	})
	a.expectTemplates("with the first answer", 1)
	a.clock.Step(longDelay)
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP")
	a.expectTemplates("in all", 2)
}
