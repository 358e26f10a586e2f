package compat

import (
	"slices"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// Unchanged has the tool sync one commit repeatedly, with a reconciliation by
// portside after each sync. It stops at the first sync that changes something.
func (m Mode) Unchanged(t testing.TB, answers *Answers) {
	s := NewSite(t, testenv.WithControllers(t))
	commit := First()
	m.sync(s, commit)
	s.Reconcile(Adapter("nfs", 12049), Adapter("smb", 1445))
	before := s.WaitRolledOut(t, Kind, s.Namespace, Name)
	revisions, starts := s.Revisions(t, Kind, s.Namespace, Name), s.WorkloadPodStarts(Kind, s.Namespace, Name)
	if got := Adapters(before); len(got) != 2 {
		t.Fatalf("adapter ports %q, want 2", got)
	}

	answers.SyncChangesPorts, answers.InSync = "no", m.compare(s, commit)
	for range Rounds() {
		m.sync(s, commit)
		synced := s.Live()
		answers.SyncChangesPorts = changeOf(Ports(before), Ports(synced), before.GetResourceVersion() != synced.GetResourceVersion())
		if answers.SyncChangesPorts != "no" {
			break
		}
		s.Reconcile(Adapter("nfs", 12049), Adapter("smb", 1445))
		if live := s.Live(); live.GetResourceVersion() != before.GetResourceVersion() {
			t.Fatalf("a reconciliation after a no-op sync wrote the workload: %q", Ports(live))
		}
		if inSync := m.compare(s, commit); inSync != answers.InSync {
			t.Fatalf("the comparison answered %q, and now %q", answers.InSync, inSync)
		}
	}
	after := s.WaitRolledOut(t, Kind, s.Namespace, Name)
	restarted := s.WorkloadPodStarts(Kind, s.Namespace, Name) != starts
	answers.SyncRestartsPods = YesNo(restarted)
	// A template that comes back reuses its revision: pods may restart without a
	// new revision, but a new revision always restarts pods.
	if now := s.Revisions(t, Kind, s.Namespace, Name); !restarted && !slices.Equal(revisions, now) {
		t.Errorf("no pod restarted, but the revisions %q became %q", revisions, now)
	}
	if sameGeneration := after.GetGeneration() == before.GetGeneration(); sameGeneration == restarted {
		t.Errorf("pods restarted: %t, but the generation is the same: %t", restarted, sameGeneration)
	}
}

// changeOf returns what a sync did to our ports.
func changeOf(before, after []string, written bool) string {
	lost := slices.DeleteFunc(slices.Clone(before), func(port string) bool { return slices.Contains(after, port) })
	switch {
	case len(lost) > 0:
		return "removes them"
	case !slices.Equal(before, after):
		return "reorders them"
	case written:
		return "no, but it writes the workload"
	}
	return "no"
}
