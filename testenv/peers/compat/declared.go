package compat

import (
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

const live12049 = "adapter-nfs:12049/TCP"

// declaring returns a commit that declares the adapter port of nfs too.
func declaring(number int) Commit { return First().And(Port{Name: "adapter-nfs", Number: number}) }

// Declared has Git declare an adapter port too, and then drop it, disable the
// adapter, and renumber the port.
func (m Mode) Declared(t testing.TB, answers *Answers) {
	cp := testenv.Shared(t)
	state, s := m.share(NewSite(t, cp))
	answers.GitDeclaresPort = fmt.Sprintf("%s (dropped from Git: %s; adapter inactive: %s; renumbered in Git: %s)",
		state, m.dropped(s), m.disabled(NewSite(t, cp)), m.renumbered(NewSite(t, cp)))
}

// share makes both declare the port, without a change of the template, and returns
// the state that portside reports.
func (m Mode) share(s *Site) (string, *Site) {
	m.sync(s, First())
	s.Reconcile(Adapter("nfs", 12049))
	before := s.Live()
	m.sync(s, declaring(12049))
	state := State(s.Reconcile(Adapter("nfs", 12049)), "nfs")
	after := s.Live()
	if after.GetGeneration() != before.GetGeneration() {
		s.Errorf("sharing a port changed the template: %q", Ports(after))
	}
	m.sync(s, declaring(12049))
	s.Reconcile(Adapter("nfs", 12049))
	if s.Live().GetResourceVersion() != after.GetResourceVersion() {
		s.Errorf("a sync and a reconciliation of a shared port wrote the workload")
	}
	return state, s
}

// dropped has Git drop the port. It must then be ours alone and be removed with the
// adapter.
func (m Mode) dropped(s *Site) string {
	m.sync(s, First())
	stays := slices.Contains(Ports(s.Live()), live12049)
	if state := State(s.Reconcile(Adapter("nfs", 12049)), "nfs"); state != "Owned" {
		s.Errorf("dropped from Git, the port is %s", state)
	}
	s.Reconcile()
	if got := Adapters(s.Live()); len(got) > 0 {
		s.Errorf("adapter ports %q that neither Git nor an adapter has", got)
	}
	if stays {
		return "stays"
	}
	return "removed, then portside adds it again"
}

// disabled disables the adapter. The port is then Git's and is removed when Git
// drops it.
func (m Mode) disabled(s *Site) string {
	m.share(s)
	s.Reconcile()
	stays := slices.Contains(Ports(s.Live()), live12049)
	m.sync(s, declaring(12049))
	synced := slices.Contains(Ports(s.Live()), live12049)
	s.Reconcile()
	m.sync(s, First())
	s.Reconcile()
	if got := Adapters(s.Live()); len(got) > 0 {
		s.Errorf("adapter ports %q that neither Git nor an adapter has", got)
	}
	switch {
	case stays && synced:
		return "stays until Git drops it"
	case synced:
		return "removed, then the next sync adds it again"
	}
	return "removed, and no sync adds it again"
}

// renumbered moves the port to another number in Git. If that is refused, because
// the shared port keeps its name, it must work once the adapter has moved, since
// portside then gives the old number up.
func (m Mode) renumbered(s *Site) string {
	m.share(s)
	if err := m.Sync(s, declaring(12050)); err != nil {
		state := State(s.Reconcile(Adapter("nfs", 12050)), "nfs")
		m.sync(s, declaring(12050))
		s.expectShared(12050)
		return fmt.Sprintf("%s; once the adapter is renumbered as well, its port is %s and the sync works", refusal(err), state)
	}
	s.expectShared(12050)
	return "works"
}

// expectShared fails the test unless both declare the port under its new number.
func (s *Site) expectShared(number int) {
	s.Helper()
	s.Reconcile(Adapter("nfs", int64(number)))
	want := []string{fmt.Sprintf("adapter-nfs:%d/TCP", number)}
	if got := Adapters(s.Live()); !slices.Equal(got, want) {
		s.Errorf("adapter ports %q after Git renumbered the port", got)
	}
}
