package discovery

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/portside-dev/portside/apply"
)

// asker takes places and records in which order they are given.
type asker struct {
	*places
	t     *testing.T
	mu    sync.Mutex
	given []string
	held  map[string][]chan struct{} // the places taken, by namespace
}

// ask has a question of a namespace wait for a place, which it keeps.
func (a *asker) ask(namespace string) {
	end := make(chan struct{})
	a.run(namespace, func() {
		a.mu.Lock()
		a.given = append(a.given, namespace)
		a.held[namespace] = append(a.held[namespace], end)
		a.mu.Unlock()
		<-end
	})
	synctest.Wait()
}

// free gives back a place of a namespace.
func (a *asker) free(namespace string) {
	a.mu.Lock()
	end := a.held[namespace][0]
	a.held[namespace] = a.held[namespace][1:]
	a.mu.Unlock()
	close(end)
	synctest.Wait()
}

// took returns the namespaces that were given a place since the last call.
func (a *asker) took() []string {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	given := a.given
	a.given = nil
	return given
}

func (a *asker) expect(want ...string) {
	a.t.Helper()
	if got := a.took(); !slices.Equal(got, want) {
		a.t.Errorf("places were given to %q, not %q", got, want)
	}
}

// expectEmpty checks that nothing is kept of namespaces that have no questions.
func (a *asker) expectEmpty() {
	a.t.Helper()
	if a.taken != 0 || len(a.of) != 0 || len(a.waiting) != 0 || len(a.turns) != 0 {
		a.t.Errorf("left are %d: %v, %v, %q", a.taken, a.of, a.waiting, a.turns)
	}
}

func withPlaces(t *testing.T, test func(t *testing.T, a *asker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &asker{places: newPlaces(), t: t, held: map[string][]chan struct{}{}}
		test(t, a)
		a.wait()
		a.expectEmpty()
	})
}

func TestPlaces(t *testing.T) {
	t.Run("one namespace takes half", func(t *testing.T) {
		withPlaces(t, func(t *testing.T, a *asker) {
			for range 100 {
				a.ask("greedy")
			}
			if n := len(a.took()); n != maxOfNamespace {
				t.Errorf("it has %d places", n)
			}
			a.ask("honest")
			a.expect("honest")
			a.free("honest")
			for range 100 {
				a.free("greedy")
			}
		})
	})
	t.Run("all namespaces together take all", func(t *testing.T) {
		withPlaces(t, func(t *testing.T, a *asker) {
			for i := range 100 {
				a.ask(fmt.Sprint(i))
			}
			taken := a.took()
			if len(taken) != maxQuestions {
				t.Errorf("they have %d places", len(taken))
			}
			for len(taken) > 0 {
				for _, namespace := range taken {
					a.free(namespace)
				}
				taken = a.took()
			}
		})
	})
	t.Run("namespaces take turns", func(t *testing.T) {
		withPlaces(t, func(_ *testing.T, a *asker) {
			for range maxOfNamespace {
				a.ask("a")
				a.ask("b")
			}
			a.took()
			for _, namespace := range []string{"a", "a", "a", "c", "c", "d"} {
				a.ask(namespace)
			}
			for range 6 {
				a.free("a")
			}
			a.expect("a", "c", "d", "a", "c", "a")
			for range maxOfNamespace {
				a.free("b")
			}
			for _, namespace := range []string{"c", "c", "d"} {
				a.free(namespace)
			}
			for range maxOfNamespace - 3 {
				a.free("a")
			}
		})
	})
	t.Run("a question that waits has no goroutine", func(t *testing.T) {
		withPlaces(t, func(t *testing.T, a *asker) {
			for range maxOfNamespace {
				a.ask("a")
			}
			before := runtime.NumGoroutine()
			for range 100 {
				a.ask("a")
			}
			if now := runtime.NumGoroutine(); now > before {
				t.Errorf("there are %d more goroutines", now-before)
			}
			for range maxOfNamespace + 100 {
				a.free("a")
			}
		})
	})
}

// TestAskCanceled gives the places of a canceled poll to others at once: its remaining
// questions are not asked.
func TestAskCanceled(t *testing.T) {
	withPlaces(t, func(t *testing.T, a *asker) {
		for range maxOfNamespace {
			a.ask("a")
		}
		a.took()
		ctx, cancel := context.WithCancel(t.Context())
		question := Question{Ask: func(context.Context) ([]apply.Adapter, error) {
			t.Error("it was asked")
			return nil, nil
		}}
		result := make(chan Result, 1)
		a.places.ask(ctx, "a", []Question{question, question}, func(r Result) { result <- r })
		a.ask("a")
		cancel()
		a.free("a")
		a.expect("a")
		if r := <-result; len(r.Failures) != 2 || r.Reason() != Canceled {
			t.Errorf("got %+v", r)
		}
		for range maxOfNamespace {
			a.free("a")
		}
	})
}
