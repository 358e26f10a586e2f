package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv/dittofs"
)

// fault is a failure of pods. In the pods that answer, smb is no longer active.
type fault struct {
	name  string
	pods  int // 1 when 0
	https bool
	// slow faults leave a question unanswered, so their timeout is short.
	slow  bool
	begin func(s *dittofs.Server)
	// Discovered is False with the reason and the message. Without a reason the
	// fault does not show.
	reason, message string
	polls           int // 4 when 0, which is longer than removalDelay
	// check checks what the pods were asked.
	check func(t *testing.T, s *dittofs.Server)
}

func oneOf(what string) string { return "0 of 1 ready pods answered; 1: " + what }

func answer(with http.HandlerFunc) func(*dittofs.Server) {
	return func(s *dittofs.Server) { s.Answer(with) }
}

func behave(change func(*dittofs.Behavior)) func(*dittofs.Server) {
	return func(s *dittofs.Server) { s.Behave(change) }
}

var faults = []fault{
	{name: "500", begin: answer(dittofs.Status(500)), reason: "ServerError", message: oneOf("the server failed (status 500)")},
	{name: "404", begin: answer(dittofs.Status(404)), reason: "NotFound", message: oneOf("path not found (status 404)")},
	{
		name: "401 once", begin: (*dittofs.Server).Revoke,
		check: func(t *testing.T, s *dittofs.Server) {
			if n := s.Refused(); n != 1 {
				t.Errorf("401 was answered %d times", n)
			}
		},
	},
	{
		name: "401 always", begin: behave(func(b *dittofs.Behavior) { b.Login, b.Refresh, b.List = 401, 401, 401 }),
		reason: "Unauthorized", message: oneOf("logging in: the server rejected the credentials (status 401)"),
	},
	{name: "timeout", slow: true, begin: answer(dittofs.Silent), reason: "Timeout", message: oneOf("no complete answer within the timeout")},
	{name: "reset", begin: answer(dittofs.Reset), reason: "Interrupted", message: oneOf("the connection broke before the answer was complete")},
	{name: "truncated", begin: answer(dittofs.Truncated), reason: "Interrupted", message: oneOf("the connection broke before the answer was complete")},
	{name: "HTML", begin: answer(dittofs.Body("<html><body>[]</body></html>")), reason: "Malformed", message: oneOf(malformed)},
	{name: "null", begin: answer(dittofs.Body("null")), reason: "Malformed", message: oneOf(malformed)},
	{
		name: "2 MiB", begin: answer(dittofs.Body("[" + strings.Repeat(" ", 2<<20) + "]")),
		reason: "TooLarge", message: oneOf("the answer is too long"),
	},
	{
		name: "redirect", begin: answer(http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP),
		reason: "Redirected", message: oneOf("the server redirects the request, and redirects are not followed"),
		check: func(t *testing.T, s *dittofs.Server) {
			if s.Count("/elsewhere") != 0 {
				t.Error("the redirect was followed")
			}
		},
	},
	{
		name: "expired certificate", https: true, begin: behave(func(b *dittofs.Behavior) { b.Expired = true }),
		reason: "TLSFailed", message: oneOf("the server's certificate has expired, or is not valid yet"),
	},
	{
		name: "token expiring while polling", begin: func(*dittofs.Server) {}, polls: 2 * int(tokenLife/pollInterval),
		check: func(t *testing.T, s *dittofs.Server) {
			logins, refreshes, refused := s.Count(dittofs.LoginPath), s.Count(dittofs.RefreshPath), s.Refused()
			if refused != 0 || logins != 2 || refreshes < 2 { // the second pod of the name logs in too
				t.Errorf("%d logins, %d refreshes, and a token was refused %d times", logins, refreshes, refused)
			}
		},
	},
	{
		name: "one of three pods silent", pods: 3, slow: true, begin: func(s *dittofs.Server) {
			s.Answer(dittofs.Silent, "files-1")
			s.Answer(dittofs.Recorded("smb-disabled"))
		},
		reason: "PartlyAnswered", message: "2 of 3 ready pods answered; 1: no complete answer within the timeout",
	},
	{
		name: "one pod behind", pods: 3, begin: func(s *dittofs.Server) {
			s.Answer(dittofs.Recorded("both-running"), "files-1")
			s.Answer(dittofs.Recorded("nfs-renumbered"))
		},
		reason: "Disagreeing", message: "every ready pod answered; pods report different numbers for adapter-nfs",
	},
}

const malformed = "the answer is not the JSON list of at most 64 adapters"

// TestFaultsRemoveNoPort: no port is removed during a fault, though it lasts longer
// than removalDelay, and the condition reports it. After the fault the same process
// follows the answers again. The pod template changes twice in all.
func TestFaultsRemoveNoPort(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			timeout := 20
			if f.slow {
				timeout = 1
			}
			a := ask(t, max(f.pods, 1), timeout, f.https)
			before := a.version("files")
			f.begin(a.server)
			if f.reason != "" {
				a.untilDiscovered("False", f.reason, f.message)
			}
			a.polls(max(f.polls, 4))
			if f.reason == "" && a.version("files") != before {
				t.Error("status was written")
			}
			if f.check != nil {
				f.check(t, a.server)
			}
			a.expectTemplates("before the fault is over", 1)
			a.server.Recover(dittofs.Recorded("smb-disabled"))
			a.untilPorts(nfs...)
			a.waitRolledOut(t)
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			a.expectTemplates("in all", 2)
		})
	}
}

// TestEmptyList: an empty list is an answer. No adapter is active.
func TestEmptyList(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.server.Answer(dittofs.Body("[]"))
	a.untilPorts(static...)
	a.waitRolledOut(t)
	a.untilDiscovered("True", "Answered", "every ready pod answered")
	a.server.Recover(dittofs.Recorded("both-running"))
	a.untilPorts(nfsSMB...)
	a.expectTemplates("in all", 3)
}

// TestInvalidTypes: a type that is too long or not printable is escaped and truncated
// in status and events, and costs its own port alone.
func TestInvalidTypes(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	const running = `"enabled":true,"running":true}`
	long := strings.Repeat("x", 16<<10)
	a.server.Answer(dittofs.Body(`[{"type":"nfs","port":12049,` + running + `,{"type":"smb","port":1445,` + running +
		`,{"type":"a\u009b\n\u001b[31m","port":6666,` + running + `,{"type":"` + long + `","port":7777,"protocol":"\u009b",` + running + `]`))
	want := map[string]string{
		"nfs": "Owned", "smb": "Owned", `a\u009b\n\x1b[31m`: "Invalid", long[:63] + "...": "Invalid",
	}
	a.until("the types in status", func(ctx context.Context) error {
		set, err := a.get(ctx, "files")
		if err != nil {
			return err
		}
		got := map[string]string{}
		for _, p := range set.Status.Ports {
			got[p.Type] = p.State
		}
		if !maps.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	})
	a.expectBothEvents(t, "InvalidAdapter", "Invalid adapter")
	text, err := json.Marshal(a.mustGet(t).Status)
	if err != nil || len(text) > 8<<10 {
		t.Errorf("status has %d bytes: %v", len(text), err)
	}
	a.untilPorts(nfsSMB...)
	a.expectTemplates("in all", 1)
}

// TestInvalidExpression gives an AdapterSet an expression that does not compile: it is
// Stalled at once, with the place of the mistake, and no port changes. With one that does
// it goes on.
func TestInvalidExpression(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.patch(a, "AdapterSet", `{"spec":{"discovery":{"http":{"expression":"self.filter(l, foo)"}}}}`)
	const message = "spec.discovery.http.expression: line 1, column 16: undeclared reference to 'foo'; the ports stay as they are"
	for condition, is := range map[string]string{"Stalled": "True", "Ready": "False", "Discovered": "False"} {
		a.untilCondition("files", condition, is, "InvalidExpression", message)
	}
	a.expectEvents(t, "AdapterSet", "InvalidExpression", "line 1, column 16")
	a.clock.Step(removalDelay + time.Hour)
	a.patch(a, "AdapterSet", `{"metadata":{"labels":{"touched":"true"}}}`)
	a.expect(a, "Ready", "False", "InvalidExpression")
	a.expectTemplates("with an invalid expression", 1)

	a.patch(a, "AdapterSet", `{"spec":{"discovery":{"http":{"expression":"self.filter(l, l.type == 'nfs')"}}}}`)
	a.expect(a, "Stalled", "False", "AsExpected")
	a.until("Reconciling is True, RemovalWaiting", a.condition("Reconciling", "True", "RemovalWaiting"))
	a.polls(3)
	a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")

	// An expression that fails with every answer changes nothing either, and stalls the
	// set after three polls.
	a.patch(a, "AdapterSet", `{"spec":{"discovery":{"http":{"expression":"self.map(l, {'type': l.name, 'port': l.port})"}}}}`)
	a.until("Stalled is True, ExpressionFailed", a.condition("Stalled", "True", "ExpressionFailed"))
	a.expect(a, "Discovered", "False", "ExpressionFailed")
	a.clock.Step(removalDelay + time.Hour)
	a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
}

// TestNoSource removes discovery from an AdapterSet without adapters: no port is
// removed. Declared adapters are then applied.
func TestNoSource(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.patch(a, "AdapterSet", `{"spec":{"discovery":null}}`)
	a.expect(a, "Stalled", "True", "NoSource")
	a.clock.Step(removalDelay + time.Hour)
	a.patch(a, "AdapterSet", `{"metadata":{"labels":{"touched":"true"}}}`)
	a.expect(a, "Ready", "False", "NoSource")
	a.expectTemplates("without a source", 1)
	a.patch(a, "AdapterSet", `{"spec":{"adapters":[{"type":"nfs","port":12049}]}}`)
	a.expect(a, "Reconciling", "True", "RemovalWaiting")
	a.clock.Step(removalDelay + time.Second)
	a.untilPorts(nfs...)
}
