package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// shortSeed is fixed, so that a failure of the tests can be repeated.
const shortSeed = 1

// TestShortRun plays some histories with every disturbance, on a control plane of its own
// since the API server restarts.
func TestShortRun(t *testing.T) {
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	w, err := newWorld(t.Context(), cp, portside.BuildFor(t), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	var histories []*history
	for i := range 12 {
		histories = append(histories, generate(shortSeed, i, 30))
	}
	failures, err := w.play(t.Context(), batch{seed: shortSeed}, histories)
	for _, f := range failures {
		t.Error(newShrunk(f))
	}
	if err != nil {
		t.Error(err)
	}
}

// TestGenerate expects that a seed draws the same history again, that every round has
// steps, and that odd rounds have one.
func TestGenerate(t *testing.T) {
	t.Parallel()
	for i := range 50 {
		h := generate(7, i, 50)
		if again := generate(7, i, 50); !reflect.DeepEqual(h, again) {
			t.Fatalf("history %d differs when it is drawn again", i)
		}
		steps := make([]int, rounds)
		for _, one := range h.Steps {
			steps[one.Round]++
		}
		for round, n := range steps {
			if n == 0 || round%2 == 1 && round < rounds-1 && n != 1 {
				t.Errorf("history %d has %d steps in round %d", i, n, round)
			}
		}
	}
}

// stored is an object in an answer of the API server.
type stored struct {
	uid        types.UID
	version    string
	generation int64
}

func (s stored) GetUID() types.UID          { return s.uid }
func (s stored) GetResourceVersion() string { return s.version }
func (s stored) GetGeneration() int64       { return s.generation }

// TestLedger counts the changes of spec by portside, whichever answer is noted first.
func TestLedger(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reset(stored{"a", "10", 1})
	l.note(stored{"a", "14", 3}, false)
	l.note(stored{"a", "12", 2}, true)
	l.note(stored{"a", "14", 3}, true)  // changes nothing
	l.note(stored{"a", "20", 3}, true)  // changes metadata alone
	l.note(stored{"b", "21", 1}, false) // another object
	if got := l.ours("a"); got != 1 {
		t.Errorf("%d changes, want 1", got)
	}
	if got := l.ours("b"); got != 0 {
		t.Errorf("%d changes of an object that another manager created, want 0", got)
	}
}

// TestDescribe expects the scenario of a part of a history, with indices that replay it.
func TestDescribe(t *testing.T) {
	t.Parallel()
	h := generate(7, 3, 20)
	text := h.describe([]int{0, 5})
	for _, want := range []string{h.Kind, "[0] " + h.Steps[0].String(), "[5] " + h.Steps[5].String()} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "[1] ") {
		t.Errorf("a step that is not listed in\n%s", text)
	}
	want := []step{h.Steps[0], h.Steps[5]}
	if err := h.keep(joined([]int{0, 5})); err != nil || !slices.EqualFunc(h.Steps, want, func(a, b step) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("kept %v, %v", h.Steps, err)
	}
	if err := h.keep("20"); err == nil {
		t.Error("an index beyond the steps is accepted")
	}
}
