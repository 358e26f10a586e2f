package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// fault is something that goes wrong with pods, while smb is no longer active
// for those that answer well.
type fault struct {
	name  string
	pods  int // 1 when 0
	https bool
	// slow: the fault is a question that is not answered, so the timeout is short.
	slow  bool
	begin func(t *testing.T, s *site)
	// Discovered is false for the reason, with the message; where it is empty
	// nothing is to be seen of the fault.
	reason, message string
	polls           int // 4 when 0, which is longer than removalDelay
	// check looks at what the pods were asked.
	check func(t *testing.T, s *site)
}

func oneOf(what string) string { return "0 of 1 ready pods answered; 1: " + what }

func answer(with http.HandlerFunc) func(*testing.T, *site) {
	return func(_ *testing.T, s *site) { s.say(with) }
}

var faults = []fault{
	{name: "500", begin: answer(fails(500)), reason: "ServerError", message: oneOf("the server failed (status 500)")},
	{name: "404", begin: answer(fails(404)), reason: "NotFound", message: oneOf("path not found (status 404)")},
	{
		name: "401 once", begin: func(_ *testing.T, s *site) { s.have(func(s *site) { clear(s.tokens) }) },
		check: func(t *testing.T, s *site) {
			if _, refused := s.was(""); refused != 1 {
				t.Errorf("401 was answered %d times", refused)
			}
		},
	},
	{
		name: "401 for good", begin: func(_ *testing.T, s *site) { s.have(func(s *site) { s.refusing = true }) },
		reason: "Unauthorized", message: oneOf("logging in: the server rejected the credentials (status 401)"),
	},
	{name: "timeout", slow: true, begin: answer(silent), reason: "Timeout", message: oneOf("no complete answer within the timeout")},
	{name: "reset", begin: answer(reset), reason: "Interrupted", message: oneOf("the connection broke before the answer was complete")},
	{name: "truncated", begin: answer(truncated), reason: "Interrupted", message: oneOf("the connection broke before the answer was complete")},
	{name: "HTML", begin: answer(says("<html><body>[]</body></html>")), reason: "Malformed", message: oneOf(malformed)},
	{name: "null", begin: answer(says("null")), reason: "Malformed", message: oneOf(malformed)},
	{
		name: "2 MiB", begin: answer(says("[" + strings.Repeat(" ", 2<<20) + "]")),
		reason: "TooLarge", message: oneOf("the answer is too long"),
	},
	{
		name: "redirect", begin: func(_ *testing.T, s *site) {
			s.say(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
		},
		reason: "Redirected", message: oneOf("the server redirects the request, and redirects are not followed"),
		check: func(t *testing.T, s *site) {
			if asked, _ := s.was("/elsewhere"); asked != 0 {
				t.Error("the redirect was followed")
			}
		},
	},
	{
		name: "expired certificate", https: true, begin: func(_ *testing.T, s *site) { s.have(func(s *site) { s.outdated = true }) },
		reason: "TLSFailed", message: oneOf("the server's certificate has expired, or is not valid yet"),
	},
	{
		name: "token expiring while polling", begin: func(*testing.T, *site) {}, polls: 2 * int(tokenLife/pollInterval),
		check: func(t *testing.T, s *site) {
			logins, refused := s.was("/api/v1/auth/login")
			refreshes, _ := s.was("/api/v1/auth/refresh")
			if refused != 0 || logins != 2 || refreshes < 2 { // the second pod of the name logs in too
				t.Errorf("%d logins, %d refreshes, and a token was refused %d times", logins, refreshes, refused)
			}
		},
	},
	{
		name: "one of three pods silent", pods: 3, slow: true, begin: func(t *testing.T, s *site) {
			s.say(silent, "files-1")
			s.say(recorded(t, "smb-disabled"))
		},
		reason: "PartlyAnswered", message: "2 of 3 ready pods answered; 1: no complete answer within the timeout",
	},
	{
		name: "one pod behind", pods: 3, begin: func(t *testing.T, s *site) {
			s.say(recorded(t, "both-running"), "files-1")
			s.say(recorded(t, "nfs-renumbered"))
		},
		reason: "Disagreeing", message: "every ready pod answered; pods report different numbers for adapter-nfs",
	},
}

const malformed = "the answer is not the JSON list of at most 64 adapters"

// reset ends the connection as a process that is killed does.
func reset(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// truncated ends a good answer half way.
func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "[]")
	panic(http.ErrAbortHandler)
}

// While a fault lasts no port goes, though it lasts longer than removalDelay,
// and the condition says why. When it is over, the same process goes by what the
// pods then say. The pod template changes twice in all.
func TestNothingIsRemovedForWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			timeout := 20
			if f.slow {
				timeout = 1
			}
			a := ask(t, max(f.pods, 1), timeout, f.https)
			before := a.adapterSet(t.Context(), "files").GetResourceVersion()
			f.begin(t, a.site)
			if f.reason != "" {
				a.untilDiscovered("False", f.reason, f.message)
			}
			a.polls(max(f.polls, 4))
			if f.reason == "" && a.adapterSet(t.Context(), "files").GetResourceVersion() != before {
				t.Error("status was written")
			}
			if f.check != nil {
				f.check(t, a.site)
			}
			if n := a.templates(); n != 1 {
				t.Errorf("the pod template was changed %d times before the fault was over", n)
			}
			a.site.recover(recorded(t, "smb-disabled"))
			a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
			a.cp.WaitRolledOut(t, "StatefulSet", a.ns, "files")
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			if n := a.templates(); n != 2 {
				t.Errorf("the pod template was changed %d times in all", n)
			}
		})
	}
}

// Here an empty list is an answer as good as any: nothing is active.
func TestAnEmptyListIsAnAnswer(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.site.say(says("[]"))
	a.untilPorts("api:8080/TCP")
	a.cp.WaitRolledOut(t, "StatefulSet", a.ns, "files")
	a.untilDiscovered("True", "Answered", "every ready pod answered")
	a.site.recover(recorded(t, "both-running"))
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	if n := a.templates(); n != 3 {
		t.Errorf("the pod template was changed %d times", n)
	}
}

// A type that is too long or not printable is stored escaped and cut, in status as
// in events, and costs its own port alone.
func TestInvalidTypes(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	const running = `"enabled":true,"running":true}`
	long := strings.Repeat("x", 16<<10)
	a.site.say(says(`[{"type":"nfs","port":12049,` + running + `,{"type":"smb","port":1445,` + running +
		`,{"type":"a\u009b\n\u001b[31m","port":6666,` + running + `,{"type":"` + long + `","port":7777,"protocol":"\u009b",` + running + `]`))
	want := map[string]string{
		"nfs": "Owned", "smb": "Owned", `a\u009b\n\x1b[31m`: "Invalid", long[:63] + "...": "Invalid",
	}
	a.until("the types in status", func(ctx context.Context) error {
		set := a.adapterSet(ctx, "files")
		ports, _, _ := unstructured.NestedSlice(set.Object, "status", "ports")
		got := map[string]string{}
		for _, p := range ports {
			p, _ := p.(map[string]any)
			got[fmt.Sprint(p["type"])] = fmt.Sprint(p["state"])
		}
		if !maps.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	})
	for _, kind := range []string{"AdapterSet", "StatefulSet"} {
		(&scene{cp: a.cp, ns: a.ns}).expectEvents(t, kind, "InvalidAdapter", "Invalid adapter")
	}
	set := a.adapterSet(t.Context(), "files")
	text, err := json.Marshal(set.Object["status"])
	if err != nil || len(text) > 8<<10 {
		t.Errorf("status has %d bytes: %v", len(text), err)
	}
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	if n := a.templates(); n != 1 {
		t.Errorf("the pod template was changed %d times", n)
	}
}

// TestInvalidExpression gives an AdapterSet an expression that does not compile: it is
// Stalled at once, with the place of the mistake, and no port changes. With one that does
// it goes on.
func TestInvalidExpression(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.patchSet(`{"spec":{"discovery":{"http":{"expression":"self.filter(l, foo)"}}}}`)
	const message = "spec.discovery.http.expression: line 1, column 16: undeclared reference to 'foo'; the ports stay as they are"
	for condition, is := range map[string]string{"Stalled": "True", "Ready": "False", "Discovered": "False"} {
		a.untilCondition("files", condition, is, "InvalidExpression", message)
	}
	(&scene{cp: a.cp, ns: a.ns}).expectEvents(t, "AdapterSet", "InvalidExpression", "line 1, column 16")
	a.clock.Step(removalDelay + time.Hour)
	a.patchSet(`{"metadata":{"labels":{"touched":"true"}}}`)
	a.expectCondition("Ready", "False", "InvalidExpression")
	a.expectTemplates("with an invalid expression", 1)

	a.patchSet(`{"spec":{"discovery":{"http":{"expression":"self.filter(l, l.type == 'nfs')"}}}}`)
	a.expectCondition("Stalled", "False", "AsExpected")
	a.until("Reconciling is True, RemovalWaiting", a.condition("Reconciling", "True", "RemovalWaiting"))
	a.polls(3)
	a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")

	// An expression that fails with every answer changes nothing either, and stalls the
	// set after three polls.
	a.patchSet(`{"spec":{"discovery":{"http":{"expression":"self.map(l, {'type': l.name, 'port': l.port})"}}}}`)
	a.until("Stalled is True, ExpressionFailed", a.condition("Stalled", "True", "ExpressionFailed"))
	a.expectCondition("Discovered", "False", "ExpressionFailed")
	a.clock.Step(removalDelay + time.Hour)
	a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
}

// TestNoSource takes discovery from an AdapterSet and names no adapters: no port is
// removed. With adapters it goes on.
func TestNoSource(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.patchSet(`{"spec":{"discovery":null}}`)
	a.expectCondition("Stalled", "True", "NoSource")
	a.clock.Step(removalDelay + time.Hour)
	a.patchSet(`{"metadata":{"labels":{"touched":"true"}}}`)
	a.expectCondition("Ready", "False", "NoSource")
	a.expectTemplates("without a source", 1)
	a.patchSet(`{"spec":{"adapters":[{"type":"nfs","port":12049}]}}`)
	a.expectCondition("Reconciling", "True", "RemovalWaiting")
	a.clock.Step(removalDelay + time.Second)
	a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
}
