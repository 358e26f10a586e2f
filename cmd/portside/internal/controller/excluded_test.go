package controller

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestExcludedNamespace writes nothing to the workloads. The AdapterSet reports why,
// and can be deleted with either policy.
func TestExcludedNamespace(t *testing.T) {
	t.Parallel()
	for policy := range map[string]bool{"Retain": true, "Remove": true} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := realTimeScene(t)
			s.start(t)
			s.git.MustApply(t, statefulSet())
			s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:12049"), fixture.Spec("deletionPolicy: "+policy)))
			s.expectPorts(t, nfs...)
			s.expectReady(t, "True", "InPlace", "1/1")
			s.stop()

			s.start(t, func(o *Options) { o.ExcludeNamespaces = []string{"other", s.ns} })
			s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:12050"), fixture.Spec("deletionPolicy: "+policy)))
			s.expectReady(t, "False", "NamespaceExcluded", "1/1")
			s.expect(t, "Stalled", "True", "NamespaceExcluded")
			s.git.MustDelete(t, "AdapterSet", "", "files")
			s.expectGone(t)
			if policy == "Remove" {
				s.expectRetained(t, "excludes the namespace")
			}
			s.expectPorts(t, nfs...)
			if n := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets"); n != 0 {
				t.Errorf("%d writes to the workload", n)
			}
		})
	}
}
