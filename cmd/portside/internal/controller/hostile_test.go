package controller

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// hostile answers the most adapters that are allowed, with long types that contain
// control characters and differ each time. None of them can have a port.
func hostile(t *testing.T) http.HandlerFunc {
	t.Helper()
	var answers atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		n := answers.Add(1)
		adapters := make([]map[string]any, apply.MaxAdapters)
		for i := range adapters {
			adapters[i] = map[string]any{
				"type": fmt.Sprintf("%02d-%d\u009b31m\nReady: True\u2028%s", i, n, strings.Repeat("<", 1200)),
				"port": 0, "enabled": true, "running": true,
			}
		}
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(adapters); err != nil {
			t.Error(err)
		}
	}
}

func TestStatusOfHostileSource(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	server, _ := s.serveAdapters(t)
	server.Answer(hostile(t))
	s.git.MustApply(t, statefulSet())
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(discovered))
	s.polled(t, 1, server)
	s.expect(t, "Ready", "False", "InvalidAdapter")
	s.expect(t, "Discovered", "True", "Answered")
	live := s.git.MustGet(t, "AdapterSet", s.ns, "files")
	text, err := json.Marshal(live.Object["status"])
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > status.MaxSize {
		t.Errorf("status takes %d bytes", len(text))
	}
	if i := strings.IndexFunc(string(text), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("status has %q", text[i:min(len(text), i+20)])
	}
	if set, err := s.get(t.Context(), "files"); err != nil || len(set.Status.Ports) != apply.MaxAdapters {
		t.Errorf("it lists %d ports, %v", len(set.Status.Ports), err)
	}

	// Status is written less often than the answers change.
	writes, begun, polls := s.sent.CountOf(testenv.VerbApply, "adaptersets/status"), s.clock.Now(), asked(server)
	s.polled(t, 60, server)
	writes = s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - writes
	took := s.clock.Now().Sub(begun)
	if most := statusBurst + int(took/statusInterval) + 1; writes > most || took < time.Minute {
		t.Errorf("%d writes for %d other answers within %s", writes, asked(server)-polls, took)
	}

	server.Answer(dittofs.Adapters("nfs:12049"))
	s.stepsUntilTrue(t, "files", "Ready", "InPlace")
	s.expectPorts(t, nfs...)
}
