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

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
)

// hostile answers with as many adapters as there may be, with long types that no
// terminal should see, and other ones each time. None of them can have a port.
func (p *pods) hostile(t *testing.T, honest *atomic.Bool) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := p.polls.Add(1)
		if honest.Load() {
			fmt.Fprint(w, `[{"type": "nfs", "port": 12049, "enabled": true, "running": true}]`)
			return
		}
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
	})
}

func TestStatusOfAHostileSource(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var p pods
	var honest atomic.Bool
	s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: func(*corev1.Pod) http.Handler { return p.hostile(t, &honest) }})
	mustApply(t, s.git, statefulSet)
	s.rolledOut(t)
	mustApply(t, s.git, discovered)
	s.polled(t, &p, 1)
	s.expect(t, "Ready", "False", "InvalidAdapter")
	s.expect(t, "Discovered", "True", "Answered")
	live, err := s.git.Get(t.Context(), "AdapterSet", s.ns, "files")
	if err != nil {
		t.Fatal(err)
	}
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

	// The writes of status do not keep pace with what the source says.
	writes, begun, polls := s.sent.CountOf(testenv.VerbApply, "adaptersets/status"), s.clock.Now(), p.polls.Load()
	s.polled(t, &p, 60)
	writes = s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - writes
	took := s.clock.Now().Sub(begun)
	if most := statusBurst + int(took/statusInterval) + 1; writes > most || took < time.Minute {
		t.Errorf("%d writes for %d other answers within %s", writes, p.polls.Load()-polls, took)
	}

	honest.Store(true)
	s.stepsUntilTrue(t, "files", "Ready", "InPlace")
	expectPorts(t, s.cp, s.ns, nfs...)
}
