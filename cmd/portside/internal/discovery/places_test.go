package discovery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// asker takes places and records in which order they are given.
type asker struct {
	*places
	t      *testing.T
	mu     sync.Mutex
	given  []string
	asking sync.WaitGroup
}

// ask has a question of a namespace wait for a place, which it keeps.
func (a *asker) ask(ctx context.Context, namespace string) {
	a.asking.Go(func() {
		if err := a.take(ctx, namespace); err != nil {
			if ReasonOf(err) != Canceled {
				a.t.Error(err)
			}
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.given = append(a.given, namespace)
	})
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

func play(t *testing.T, test func(t *testing.T, a *asker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &asker{places: newPlaces(), t: t}
		test(t, a)
		a.asking.Wait()
		a.expectEmpty()
	})
}

func TestPlaces(t *testing.T) {
	t.Run("one namespace takes half", func(t *testing.T) {
		play(t, func(t *testing.T, a *asker) {
			for range 100 {
				a.ask(t.Context(), "greedy")
			}
			if n := len(a.took()); n != maxOfNamespace {
				t.Errorf("it has %d places", n)
			}
			a.ask(t.Context(), "honest")
			a.expect("honest")
			a.release("honest")
			for range 100 {
				a.release("greedy")
				synctest.Wait()
			}
		})
	})
	t.Run("all namespaces together take all", func(t *testing.T) {
		play(t, func(t *testing.T, a *asker) {
			for i := range 100 {
				a.ask(t.Context(), fmt.Sprint(i))
			}
			taken := a.took()
			if len(taken) != maxQuestions {
				t.Errorf("they have %d places", len(taken))
			}
			for range 100 {
				for _, namespace := range taken {
					a.release(namespace)
				}
				taken = a.took()
			}
		})
	})
	t.Run("namespaces take turns", func(t *testing.T) {
		play(t, func(t *testing.T, a *asker) {
			for range maxOfNamespace {
				a.ask(t.Context(), "a")
				a.ask(t.Context(), "b")
			}
			a.took()
			for _, namespace := range []string{"a", "a", "a", "c", "c", "d"} {
				a.ask(t.Context(), namespace)
			}
			for range 6 {
				a.release("a")
				synctest.Wait()
			}
			a.expect("a", "c", "d", "a", "c", "a")
			for range maxOfNamespace {
				a.release("b")
			}
			for _, namespace := range []string{"c", "c", "d"} {
				a.release(namespace)
			}
			for range maxOfNamespace - 3 {
				a.release("a")
			}
		})
	})
	t.Run("who gives up loses the turn", func(t *testing.T) {
		play(t, func(t *testing.T, a *asker) {
			for range maxOfNamespace {
				a.ask(t.Context(), "a")
			}
			a.took()
			ctx, cancel := context.WithCancel(t.Context())
			a.ask(ctx, "a")
			cancel()
			a.expect()
			a.asking.Wait()
			a.ask(t.Context(), "a")
			a.release("a")
			a.expect("a")
			for range maxOfNamespace {
				a.release("a")
			}
		})
	})
	t.Run("a place that is given too late is given back", func(t *testing.T) {
		play(t, func(t *testing.T, a *asker) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 100 { // either may be seen first
				if err := a.take(ctx, "a"); err == nil {
					a.release("a")
				}
			}
		})
	})
}
