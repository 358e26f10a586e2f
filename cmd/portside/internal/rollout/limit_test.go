package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// namespaceOf returns the namespace of a target that is called NAMESPACE/NAME.
func namespaceOf(target string) string {
	namespace, _, _ := strings.Cut(target, "/")
	return namespace
}

// places is a limit, and the targets that it woke.
type places struct {
	*rollout.Limit[string]
	woken []string
}

func newPlaces(most int) *places {
	p := &places{}
	p.Limit = rollout.NewLimit(most, namespaceOf, func(target string) { p.woken = append(p.woken, target) })
	return p
}

// ask has each target ask for a place, and returns those that got none.
func (p *places) ask(targets ...string) (refused []string) {
	for _, target := range targets {
		if !p.Begin(target) {
			refused = append(refused, target)
		}
	}
	return refused
}

func (p *places) expectHolders(t *testing.T, want ...string) {
	t.Helper()
	got := p.Holders()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the holders are %q, not %q", got, want)
	}
}

func (p *places) expectWoken(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(p.woken, want) {
		t.Errorf("woken are %q, not %q", p.woken, want)
	}
	p.woken = nil
}

func TestLimit(t *testing.T) {
	t.Parallel()
	t.Run("a holder may begin again", func(t *testing.T) {
		t.Parallel()
		p := newPlaces(1)
		if refused := p.ask("a/1", "a/1", "a/2"); !slices.Equal(refused, []string{"a/2"}) {
			t.Errorf("refused are %q", refused)
		}
	})
	t.Run("wakes the target that waited longest, one for each place", func(t *testing.T) {
		t.Parallel()
		p := newPlaces(1)
		p.ask("a/1", "a/2", "a/3", "a/2")
		p.End("a/1")
		p.End("a/1")
		p.expectWoken(t, "a/2")
		if p.Begin("a/4") {
			t.Error("a place that is reserved was given away")
		}
		p.End("a/2") // it has no use for the place any more
		p.expectWoken(t, "a/3")
	})
	t.Run("another namespace gets the next places first, up to its half", func(t *testing.T) {
		t.Parallel()
		p := newPlaces(4)
		p.ask("a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "b/1", "b/2", "b/3")
		p.expectHolders(t, "a/1", "a/2", "a/3", "a/4")
		for i, next := range []string{"b/1", "b/2", "a/5"} { // with two each, a/5 asked first
			p.End(fmt.Sprintf("a/%d", i+1))
			p.expectWoken(t, next)
		}
	})
	t.Run("a target that no longer waits is not woken", func(t *testing.T) {
		t.Parallel()
		p := newPlaces(1)
		p.ask("a/1", "b/1", "b/2")
		p.End("b/1")
		p.End("a/1")
		p.expectWoken(t, "b/2")
	})
	t.Run("a rollout of before counts beyond the limit", func(t *testing.T) {
		t.Parallel()
		p := newPlaces(1)
		p.Resume("a/1")
		p.Resume("a/2")
		p.ask("b/1")
		p.End("a/1")
		p.expectWoken(t)
		p.End("a/2")
		p.expectWoken(t, "b/1")
	})
	t.Run("a stuck rollout gives its place up once", func(t *testing.T) {
		t.Parallel()
		p := newPlaces(1)
		p.ask("a/1", "b/1")
		if !p.GiveUp("a/1") || p.GiveUp("a/1") {
			t.Error("it did not hold one place")
		}
		p.expectWoken(t, "b/1")
		if p.GiveUp("b/1") {
			t.Error("a reserved place was given up")
		}
		p.expectHolders(t, "b/1")
	})
}

// limitModel plays targets that ask for places, and rollouts that end. Woken
// targets ask again, but some have no use for the place any more.
type limitModel struct {
	*places
	most    int
	began   []string // those with a rollout under way, in order
	waiting []string // those that were refused, and not woken since
}

func (m *limitModel) ask(t *rapid.T, target string) {
	if slices.Contains(m.began, target) {
		return
	}
	if !m.Begin(target) {
		if !slices.Contains(m.waiting, target) {
			m.waiting = append(m.waiting, target)
		}
		return
	}
	m.began = append(m.began, target)
	m.check(t, target)
}

// check fails the test where the target that has just been given a place, by
// reservation or at once, exceeds the limit or the share of its namespace.
func (m *limitModel) check(t *rapid.T, target string) {
	holders := m.Holders()
	if len(holders) > m.most {
		t.Fatalf("%d of %d places are held: %q", len(holders), m.most, holders)
	}
	own := 0
	for _, holder := range holders {
		if namespaceOf(holder) == namespaceOf(target) {
			own++
		}
	}
	for _, other := range m.waiting {
		if namespaceOf(other) != namespaceOf(target) && own > (m.most+1)/2 {
			t.Fatalf("%s got place %d of %d of its namespace while %s waits", target, own, m.most, other)
		}
	}
}

// settle has the woken targets ask again, unless they are dropped.
func (m *limitModel) settle(t *rapid.T, drop func(string) bool) {
	for len(m.woken) > 0 {
		target := m.woken[0]
		m.woken = m.woken[1:]
		m.waiting = slices.DeleteFunc(m.waiting, func(other string) bool { return other == target })
		if drop(target) {
			m.End(target)
			continue
		}
		if m.ask(t, target); !slices.Contains(m.began, target) {
			t.Fatalf("%s was woken and has no place", target)
		}
	}
}

// end ends the oldest rollout, or finds it stuck.
func (m *limitModel) end(stuck bool) {
	target := m.began[0]
	m.began = m.began[1:]
	if stuck {
		m.GiveUp(target)
	} else {
		m.End(target)
	}
}

func anyTarget() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%c/%d", 'a'+rune(rapid.IntRange(0, 2).Draw(t, "namespace")), rapid.IntRange(0, 9).Draw(t, "name"))
	})
}

func TestLimitShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 7).Draw(t, "most")
		m := &limitModel{places: newPlaces(most), most: most}
		dropped := rapid.SliceOfN(anyTarget(), 0, 3).Draw(t, "dropped")
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) { m.ask(t, anyTarget().Draw(t, "target")) },
			"leave": func(t *rapid.T) {
				if len(m.waiting) == 0 {
					return // none waits
				}
				target := rapid.SampledFrom(m.waiting).Draw(t, "target")
				m.waiting = slices.DeleteFunc(m.waiting, func(other string) bool { return other == target })
				m.End(target)
			},
			"end": func(t *rapid.T) {
				if len(m.began) == 0 {
					return // no rollout is under way
				}
				m.end(rapid.Bool().Draw(t, "stuck"))
			},
			"": func(t *rapid.T) {
				m.settle(t, func(target string) bool { return slices.Contains(dropped, target) })
				if len(m.waiting) > 0 && len(m.Holders()) < most {
					t.Fatalf("%q wait, and only %q hold one of %d places", m.waiting, m.Holders(), most)
				}
			},
		})
	})
}

// TestLimitStarvesNoTarget: however often the others ask again, as soon as their
// rollouts end, a target that waits has its turn.
func TestLimitStarvesNoTarget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 7).Draw(t, "most")
		m := &limitModel{places: newPlaces(most), most: most}
		keep := func(string) bool { return false }
		for _, target := range rapid.SliceOfN(anyTarget(), most, 30).Draw(t, "others") {
			m.ask(t, target)
		}
		const patient = "patient/1"
		namespace := rapid.SampledFrom([]string{"a", "b", "new"}).Draw(t, "namespace")
		target := namespace + "/" + patient
		m.ask(t, target)
		for rounds := 0; !slices.Contains(m.began, target); rounds++ {
			if rounds > 200 {
				t.Fatalf("%s waits, %q wait, and %q have begun", target, m.waiting, m.began)
			}
			again := m.began[0]
			m.end(rapid.Bool().Draw(t, "stuck"))
			m.settle(t, keep)
			m.ask(t, again)
		}
	})
}
