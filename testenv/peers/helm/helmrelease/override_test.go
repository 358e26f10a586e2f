package helmrelease_test

import (
	"testing"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestEvents has the controller look for drift and correct it with portside in its flag
// --override-manager: it joins portside's entry to its own, so that our port is drift.
// Without the flag the port that portside has added again is none, and stays in the next
// upgrade too.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m, object := serverSide(t), example(t)
	compat.Must(t, m.Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	before := s.Live()
	compat.Must(t, correct(s, object, testenv.Portside))
	ports, restarts := s.Effect(before)
	s.ExpectNames("api", "metrics")
	compat.Must(t, compat.Event("Flux", "HelmRelease (drift detection: enabled), --override-manager=portside",
		"leave portside out of --override-manager, also as a prefix (with it each correction of drift removes adapter ports)", ports, restarts).Write())

	s.Reconcile(compat.Adapter("nfs", 12049))
	before = s.Live()
	if inSync, err := m.Compare(s, compat.First()); err != nil || !inSync {
		t.Errorf("without the flag in sync: %t, %v", inSync, err)
	}
	compat.Must(t, correct(s, object))
	compat.Must(t, m.Sync(s, compat.First()))
	if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
		t.Errorf("without the flag our ports changed: %s, and pods restart: %s", ports, restarts)
	}
	s.ExpectOwner("12049/TCP", testenv.Portside)
	s.ExpectOwner("8080/TCP", manager)
}

// TestOverride_warn: with driftDetection.mode: warn too, the flag has the controller own
// our port, which the warning of portside names, and the next upgrade removes it.
func TestOverride_warn(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m, object := serverSide(t), example(t)
	compat.Must(t, m.Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	found, err := drift(s, object, testenv.Portside)
	if err != nil || !found.HasChanges() {
		t.Errorf("drift: %v, %v", found, err)
	}
	s.ExpectOwner("12049/TCP", manager)
	result := s.Reconcile(compat.Adapter("nfs", 12049))
	if w := result.Warnings; len(w) != 1 || w[0].Reason != advice.CannotRenumber || w[0].Manager.Name != manager {
		t.Errorf("the warnings are %v", w)
	}
	_, err = drift(s, object, testenv.Portside)
	compat.Must(t, err)
	compat.Must(t, m.Sync(s, compat.First()))
	s.ExpectNames("api", "metrics")
}
