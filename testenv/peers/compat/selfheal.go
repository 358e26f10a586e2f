package compat

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// SelfHeal removes our port by hand, which must be no difference to the tool and
// which portside must repair, and then has the tool replace the workload.
func (m Mode) SelfHeal(t testing.TB, answers *Answers) {
	cp := testenv.Shared(t)
	answers.RemovedByHand, answers.Replace = m.removedByHand(NewSite(t, cp)), NotAsked
	if m.Replace == nil {
		return
	}
	renamed := First()
	renamed.Container = "server"
	same, other := m.replaced(NewSite(t, cp), First()), m.replaced(NewSite(t, cp), renamed)
	answers.Replace = m.Switch + ": " + same
	if other != same {
		answers.Replace += " (with a renamed container: " + other + ")"
	}
}

// removedByHand returns the answers of the comparison before and after portside
// adds the port again, once the tool has synced.
func (m Mode) removedByHand(s *Site) string {
	m.sync(s, First())
	s.Reconcile(Adapter("nfs", 12049))
	_, err := s.Manager(testenv.KubectlEdit).Update(s.Context(), Kind, s.Namespace, Name, func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, Name, First().PortsYAML())
	})
	if err != nil {
		s.Fatal(err)
	}
	without := m.compare(s, First())
	s.Reconcile(Adapter("nfs", 12049))
	with := m.compare(s, First())
	if got := Adapters(s.Live()); !slices.Equal(got, []string{live12049}) {
		s.Errorf("adapter ports %q after one was removed by hand", got)
	}
	m.sync(s, First())
	s.Reconcile(Adapter("nfs", 12049))
	if got := Adapters(s.Live()); !slices.Equal(got, []string{live12049}) {
		s.Errorf("adapter ports %q after a sync", got)
	}
	if m.Compare == nil {
		return "portside adds it again"
	}
	return fmt.Sprintf("portside adds it again (in sync without it: %s, with it: %s)", without, with)
}

// replaced returns what the tool's option to replace does to our ports. A
// reconciliation must add them again, see expectOnly.
func (m Mode) replaced(s *Site, c Commit) string {
	m.sync(s, First())
	s.Reconcile(Adapter("nfs", 12049))
	before := s.Live()
	if err := m.Replace(s, c); err != nil {
		return refusal(err)
	}
	after := s.Live()
	s.expectOnly(c)
	switch {
	case after.GetUID() != before.GetUID():
		return "recreates the workload"
	case !slices.Contains(Ports(after), live12049):
		return "removes them"
	}
	return "leaves them"
}
