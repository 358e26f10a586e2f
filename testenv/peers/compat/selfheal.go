package compat

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// SelfHeal has somebody remove our port by hand, which the tool must not mind
// and portside must mend, and then has the tool replace the workload.
func (m Mode) SelfHeal(t testing.TB, answers *Answers) {
	cp := testenv.Shared(t)
	parts := []string{m.removedByHand(NewSite(t, cp))}
	if m.Replace != nil {
		renamed := First()
		renamed.Container = "server"
		parts = append(parts, fmt.Sprintf("%s: %s; of a renamed container: %s",
			m.Switch, m.replaced(NewSite(t, cp), First()), m.replaced(NewSite(t, cp), renamed)))
	}
	answers.ReplaceAndSelfHeal = strings.Join(parts, "; ")
}

// removedByHand returns what the comparison says before and after portside puts
// the port back, once the tool has synced.
func (m Mode) removedByHand(s *Site) string {
	m.sync(s, First())
	s.Pass(Adapter("nfs", 12049))
	_, err := s.Manager(testenv.KubectlEdit).Update(s.Context(), Kind, s.Namespace, Name, func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, Name, First().PortsYAML())
	})
	if err != nil {
		s.Fatal(err)
	}
	without := m.says(s, First())
	s.Pass(Adapter("nfs", 12049))
	with := m.says(s, First())
	if got := Adapters(s.Live()); !slices.Equal(got, []string{live12049}) {
		s.Errorf("after it was removed by hand portside left %q", got)
	}
	m.sync(s, First())
	s.Pass(Adapter("nfs", 12049))
	if got := Adapters(s.Live()); !slices.Equal(got, []string{live12049}) {
		s.Errorf("after a sync there are %q", got)
	}
	if m.Compare == nil {
		return "removed by hand: portside puts it back"
	}
	return fmt.Sprintf("removed by hand: portside puts it back (in sync before: %s, after: %s)", without, with)
}

// replaced says what the tool's switch does to our ports. Wherever they went, a
// pass must put them back.
func (m Mode) replaced(s *Site, c Commit) string {
	m.sync(s, First())
	s.Pass(Adapter("nfs", 12049))
	before := s.Live()
	if err := m.Replace(s, c); err != nil {
		return refusal(err)
	}
	after := s.Live()
	s.isOnly(c)
	switch {
	case after.GetUID() != before.GetUID():
		return "recreates the workload, portside adds its ports again"
	case !slices.Contains(Ports(after), live12049):
		return "removes our ports, portside adds them again"
	}
	return "leaves our ports"
}
