package compat

import (
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

const live12049 = "adapter-nfs:12049/TCP"

// declaring is a commit that declares the adapter port of nfs as well.
func declaring(number int) Commit { return First().And(Port{Name: "adapter-nfs", Number: number}) }

// Declared has Git declare an adapter port too, and then let go of it, disable
// the adapter, and renumber the port.
func (m Mode) Declared(t testing.TB, answers *Answers) {
	cp := testenv.Shared(t)
	state, s := m.share(NewSite(t, cp))
	answers.GitDeclaresPort = fmt.Sprintf("%s (dropped from Git: %s; adapter off: %s; renumbered in Git: %s)",
		state, m.dropped(s), m.disabled(NewSite(t, cp)), m.renumbered(NewSite(t, cp)))
}

// share brings a workload to where both declare the port, without a change of
// its template, and returns what portside says of it.
func (m Mode) share(s *Site) (string, *Site) {
	m.sync(s, First())
	s.Pass(Adapter("nfs", 12049))
	before := s.Live()
	m.sync(s, declaring(12049))
	state := State(s.Pass(Adapter("nfs", 12049)), "nfs")
	after := s.Live()
	if after.GetGeneration() != before.GetGeneration() {
		s.Errorf("sharing a port changed the template: %q", Ports(after))
	}
	m.sync(s, declaring(12049))
	s.Pass(Adapter("nfs", 12049))
	if s.Live().GetResourceVersion() != after.GetResourceVersion() {
		s.Errorf("a port that is shared does not hold still")
	}
	return state, s
}

// dropped has Git let go of the port, which must then be ours alone, and must go
// with the adapter.
func (m Mode) dropped(s *Site) string {
	m.sync(s, First())
	stays := slices.Contains(Ports(s.Live()), live12049)
	if state := State(s.Pass(Adapter("nfs", 12049)), "nfs"); state != "Owned" {
		s.Errorf("dropped from Git, the port is %s", state)
	}
	s.Pass()
	if got := Adapters(s.Live()); len(got) > 0 {
		s.Errorf("neither declares them, and there are %q", got)
	}
	if stays {
		return "stays"
	}
	return "goes, portside puts it back"
}

// disabled turns the adapter off: the port is Git's, and goes when Git lets go.
func (m Mode) disabled(s *Site) string {
	m.share(s)
	s.Pass()
	stays := slices.Contains(Ports(s.Live()), live12049)
	m.sync(s, declaring(12049))
	if got := Ports(s.Live()); !slices.Contains(got, live12049) {
		s.Errorf("Git declares the port, and there are %q", got)
	}
	s.Pass()
	m.sync(s, First())
	s.Pass()
	if got := Adapters(s.Live()); len(got) > 0 {
		s.Errorf("neither declares them, and there are %q", got)
	}
	if stays {
		return "stays until Git drops it"
	}
	return "goes, the next sync puts it back"
}

// renumbered moves the port to another number in Git. Where that is refused,
// because the port that we share keeps its name, it must work after the adapter
// has moved: then portside lets go of the old number.
func (m Mode) renumbered(s *Site) string {
	m.share(s)
	if err := m.Sync(s, declaring(12050)); err != nil {
		state := State(s.Pass(Adapter("nfs", 12050)), "nfs")
		m.sync(s, declaring(12050))
		s.isShared(12050)
		return fmt.Sprintf("%s, until the adapter moves as well: it is %s, and Git can move", refusal(err), state)
	}
	s.isShared(12050)
	return "works"
}

// isShared fails the test unless both declare the port under its new number.
func (s *Site) isShared(number int) {
	s.Helper()
	s.Pass(Adapter("nfs", int64(number)))
	want := []string{fmt.Sprintf("adapter-nfs:%d/TCP", number)}
	if got := Adapters(s.Live()); !slices.Equal(got, want) {
		s.Errorf("after Git renumbered the port there are %q", got)
	}
}
