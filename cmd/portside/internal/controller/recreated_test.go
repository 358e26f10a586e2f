package controller

import (
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// recreate deletes the workload and creates it again, with another uid.
func (s *scene) recreate(t *testing.T, operator *testenv.Manager) {
	t.Helper()
	operator.MustDelete(t, "StatefulSet", s.ns, "files")
	operator.MustCreate(t, statefulSet(onDelete))
}

// TestRecreatedWorkload shows that contention ends with the workload that it was
// about: a workload of the same name starts without, also where portside was
// restarted meanwhile.
func TestRecreatedWorkload(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(*testing.T, *scene, *testenv.Manager){
		"while_portside_runs": func(t *testing.T, s *scene, operator *testenv.Manager) {
			t.Helper()
			s.recreate(t, operator)
		},
		"while_portside_is_stopped": func(t *testing.T, s *scene, operator *testenv.Manager) {
			t.Helper()
			s.stop()
			s.recreate(t, operator)
			s.restart(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, operator := contended(t)
			s.exhaust(t, operator)
			s.expect(t, "Ready", "False", "Contended")
			first := s.uid(t)

			replace(t, s, operator)
			s.expectPorts(t, nfs...)
			s.expect(t, "Ready", "True", "InPlace")
			s.expect(t, "Stalled", "False", "AsExpected")
			if s.uid(t) == first {
				t.Error("status is about the deleted workload")
			}
			s.clock.Step(time.Second)
			s.removePort(t, operator)
			s.expectPorts(t, nfs...)
			s.expect(t, "Ready", "True", "InPlace")
		})
	}
}
