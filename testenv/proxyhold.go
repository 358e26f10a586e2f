package testenv

import (
	"net/http"
	"slices"
	"sync"
)

// heldPart is the part of an exchange that is held back.
type heldPart int

const (
	heldRequest heldPart = iota
	heldAnswer
)

// proxyHold holds back the exchanges that match.
type proxyHold struct {
	part     heldPart
	match    func(*http.Request) bool
	reached  func() // called when something is held
	released chan struct{}
}

// proxyHolds are the holds of a proxy.
type proxyHolds struct {
	closed    chan struct{}
	closeOnce sync.Once

	mu    sync.Mutex
	holds []*proxyHold
}

func (h *proxyHolds) add(part heldPart, match func(*http.Request) bool) (held <-chan struct{}, release func()) {
	reached := make(chan struct{})
	hold := &proxyHold{part, match, sync.OnceFunc(func() { close(reached) }), make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holds = append(h.holds, hold)
	return reached, sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.holds = slices.DeleteFunc(h.holds, func(other *proxyHold) bool { return other == hold })
		close(hold.released)
	})
}

// wait returns when no hold matches the request any longer, with an error if its
// client has disconnected meanwhile.
func (h *proxyHolds) wait(request *http.Request, part heldPart) error {
	h.mu.Lock()
	holds := slices.Clone(h.holds)
	h.mu.Unlock()
	for _, hold := range holds {
		if hold.part != part || !hold.match(request) {
			continue
		}
		hold.reached()
		select {
		case <-hold.released:
		case <-request.Context().Done():
			return request.Context().Err()
		case <-h.closed:
			return http.ErrServerClosed
		}
	}
	return request.Context().Err()
}

func (h *proxyHolds) close() { h.closeOnce.Do(func() { close(h.closed) }) }
