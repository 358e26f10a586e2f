package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/portside-dev/portside/testenv"
)

// fault is what happens to a request of portside's on its way.
type fault string

const (
	noFault fault = ""
	delayed fault = "delayed"
	dropped fault = "dropped" // the API server does not get it
	cut     fault = "cut"     // the API server stored it, and portside gets no answer
)

// refusals are the answers that a request gets in place of the API server's.
var refusals = map[fault]struct {
	code   int
	reason metav1.StatusReason
}{
	"409": {http.StatusConflict, metav1.StatusReasonConflict},
	"422": {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
	"429": {http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests},
	"500": {http.StatusInternalServerError, metav1.StatusReasonInternalError},
	"504": {http.StatusGatewayTimeout, metav1.StatusReasonTimeout},
}

var faultKinds = []fault{delayed, delayed, dropped, cut, cut, cut, "409", "409", "422", "429", "500", "504"}

// mostFaults bounds the faults of one object in a round, since portside backs off twice as
// long after each.
const mostFaults = 3

// faults decides which requests of portside's go wrong. It is off in quiet periods.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	on     bool
	of     map[string]int // by the path of the object
	counts map[fault]int  // of all rounds
}

// begin begins a round with faults, or without.
func (f *faults) begin(random *rand.Rand, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random, f.on, f.of = random, on, map[string]int{}
}

func (f *faults) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = false
}

// draw returns what happens to a request for an object that histories have.
func (f *faults) draw(request *http.Request) fault {
	path := request.URL.Path
	if !strings.Contains(path, "/namespaces/"+namespacePrefix) || request.URL.Query().Get("watch") != "" || strings.Contains(path, "/events") {
		return noFault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.on || f.of[path] >= mostFaults || f.random.IntN(4) > 0 {
		return noFault
	}
	kind := faultKinds[f.random.IntN(len(faultKinds))]
	f.of[path]++
	if f.counts == nil {
		f.counts = map[fault]int{}
	}
	f.counts[kind]++
	return kind
}

type cutKey struct{}

// instead is the hook of the proxies: it delays, drops or answers a request.
func (f *faults) instead(request *http.Request) (*http.Response, error) {
	switch kind := f.draw(request); kind {
	case noFault:
		return nil, nil
	case delayed:
		f.mu.Lock()
		wait := time.Duration(f.random.IntN(300)) * time.Millisecond
		f.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-request.Context().Done():
		}
		return nil, nil
	case dropped:
		return nil, errors.New("lab: dropped")
	case cut:
		*request = *request.WithContext(context.WithValue(request.Context(), cutKey{}, true))
		return nil, nil
	default:
		refusal, known := refusals[kind]
		if !known {
			return nil, fmt.Errorf("lab: unknown fault %q", kind)
		}
		answer := testenv.StatusAnswer(refusal.code, refusal.reason, "injected by the lab")
		if refusal.code == http.StatusTooManyRequests {
			answer.Header.Set("Retry-After", "1")
		}
		return answer, nil
	}
}

// answered notes a write of portside's, and cuts the connection after it if it is to be cut.
func (w *world) answered(answer *http.Response) error {
	if answer.Request.Method == http.MethodPatch && answer.StatusCode < http.StatusMultipleChoices {
		if err := w.noteOurs(answer); err != nil {
			return err
		}
	}
	if answer.Request.Context().Value(cutKey{}) != nil {
		return errors.New("lab: cut")
	}
	return nil
}

// noteOurs notes a write of a workload in the ledger of its site.
func (w *world) noteOurs(answer *http.Response) error {
	path := answer.Request.URL.Path
	if !strings.HasPrefix(path, "/apis/apps/v1/namespaces/"+namespacePrefix) || answer.Request.URL.Query().Get("dryRun") != "" {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return fmt.Errorf("lab: cannot decode the answer to %s: %w", path, err)
	}
	stored, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	if s := w.siteOf(stored.GetNamespace()); s != nil {
		s.ledger.note(stored, true)
	}
	return nil
}

// summary returns how often each fault occurred.
func (f *faults) summary() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(f.counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, f.counts[kind]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
