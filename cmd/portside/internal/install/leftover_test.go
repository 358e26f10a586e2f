package install_test

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// oldest is a release where the leftover policy is printed as v1beta1 or not at all.
var oldest = version.MajorMinor(1, 35)

// TestWithoutLeftover tests what an installation without the leftover policy promises.
// The server refuses to an owner to rename or remove a container with portside's ports,
// or keeps it next to the new one if another manager set its image. After a release,
// which keeps the ports, the owner can do both.
func TestWithoutLeftover(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{KubeVersion: oldest})
	if losses := i.options.Losses(); len(losses) != 1 || !strings.Contains(losses[0], "its owner cannot rename or remove it by server-side apply; first run: portside release") {
		t.Errorf("losses %q", losses)
	}
	for _, kind := range workload.Kinds() {
		for name, test := range map[string]struct {
			now         func(workload.Kind) string
			kept, after []string
		}{
			"renamed": {renamed, []string{"server", "sidecar", dittofs}, []string{"server", "sidecar"}},
			"removed": {removed, []string{"sidecar", dittofs}, []string{"sidecar"}},
		} {
			i.mustApply(i.argo(), declared(kind, static))
			i.reconcile(kind, nfs)
			if _, err := i.argo().Apply(t.Context(), test.now(kind)); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "image: Required value") {
				t.Errorf("%s: %s: %v", kind, name, err)
			}
			i.kubectl("", "set", "image", "-n", i.workloads, kind.Kind+"/dittofs", "dittofs=dittofs:2")
			got := testenv.Containers(i.mustApply(i.argo(), test.now(kind)))
			if slices.Sort(got); !slices.Equal(got, sorted(test.kept)) {
				t.Errorf("%s: %s with another image: containers %q, want %q", kind, name, got, test.kept)
			}
			i.argo().MustDelete(t, kind.Kind, "", dittofs)

			i.mustApply(i.argo(), declared(kind, static))
			i.reconcile(kind, nfs)
			i.release(kind, true)
			if got := testenv.Containers(i.mustApply(i.argo(), test.now(kind))); !slices.Equal(got, test.after) {
				t.Errorf("%s: %s after a release: containers %q, want %q", kind, name, got, test.after)
			}
			i.argo().MustDelete(t, kind.Kind, "", dittofs)
		}
	}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

// TestLeftover_beta: the policy as v1beta1 does what it does as v1.
func TestLeftover_beta(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{APIServerFlags: map[string]string{
		"feature-gates":  "MutatingAdmissionPolicy=true",
		"runtime-config": "admissionregistration.k8s.io/v1beta1=true",
	}})
	i := prepared(t, cp, install.Options{KubeVersion: oldest, BetaPolicies: true})
	i.apply(i.manifests())
	i.awaitPolicies()
	kind := workload.StatefulSet
	i.mustApply(i.argo(), declared(kind, static))
	i.reconcile(kind, nfs)
	if got := testenv.Containers(i.mustApply(i.argo(), renamed(kind))); !slices.Equal(got, []string{"server", "sidecar"}) {
		t.Errorf("containers %q", got)
	}
	i.expectGivenUp(kind, i.target(kind), []string{"server", "sidecar"})
}
