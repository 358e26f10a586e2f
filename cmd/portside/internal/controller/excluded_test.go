package controller

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestExcludedNamespace: nothing is written to its workloads, the AdapterSet says
// why, and it can be deleted, whatever its policy.
func TestExcludedNamespace(t *testing.T) {
	t.Parallel()
	for policy := range map[string]bool{"Retain": true, "Remove": true} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			ns := cp.Namespace(t)
			git := cp.Manager("git").In(ns)
			served := start(t, cp, ns)
			mustApply(t, git, statefulSet)
			mustApply(t, git, adapterSet("[{type: nfs, port: 12049}]", "deletionPolicy: "+policy))
			expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
			expectReady(t, cp, ns, "True", "InPlace", "1/1")
			served.stop()

			sent := serve(t, cp, ns, func(o *Options) { o.ExcludeNamespaces = []string{"other", ns} })
			mustApply(t, git, adapterSet("[{type: nfs, port: 12050}]", "deletionPolicy: "+policy))
			expectReady(t, cp, ns, "False", "NamespaceExcluded", "1/1")
			expectTrue(t, cp, ns, "files", "Stalled", "NamespaceExcluded")
			if err := git.Delete(t.Context(), "AdapterSet", "", "files"); err != nil {
				t.Fatal(err)
			}
			expectGone(t, cp, ns)
			if policy == "Remove" {
				(&scene{cp: cp, ns: ns}).expectRetained(t, "excludes the namespace")
			}
			expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
			if n := sent.CountOf(testenv.VerbApply, "statefulsets") + sent.CountOf(testenv.VerbPatch, "statefulsets"); n != 0 {
				t.Errorf("%d writes to the workload", n)
			}
		})
	}
}
