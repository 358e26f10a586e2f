package testenv_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// TestFact17_PruningUnowned: an apply that gives up its manager's last item below a
// list item removes that item, or a field such as ports, as a whole, and puts back
// only what other managers own.
func TestFact17_PruningUnowned(t *testing.T) {
	t.Parallel()
	t.Run("removes an unowned port if no other manager owns one", func(t *testing.T) {
		t.Parallel()
		facts(
			argo("[]"), by(backup, us(shared("[{name: nfs, containerPort: 2049}]"))), testenv.Disown{Manager: backup}, us(shared(adapterNFS)),
			testenv.Expect{Ports: []string{"nfs:2049/TCP", "adapter-nfs:12049/TCP"}, Owners: map[string][]string{"2049/TCP": {}}},
			us(metadataOnly), testenv.Expect{Ports: []string{}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("keeps it if another manager owns one", func(t *testing.T) {
		t.Parallel()
		facts(
			argo("[{name: api, containerPort: 8080}]"), by(backup, us(shared("[{name: nfs, containerPort: 2049}]"))), testenv.Disown{Manager: backup}, us(shared(adapterNFS)),
			us(metadataOnly), testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("removes the container if no other manager owns its key", func(t *testing.T) {
		t.Parallel()
		facts(
			argo(static), us(shared(adapterNFS)), testenv.Disown{Manager: testenv.ArgoCD},
			refused(us(metadataOnly), testenv.Invalid("spec.template.spec.containers: Required value")),
		).Run(t, testenv.Shared(t))
	})
}

// TestFact18_ListOutlivesItems: a manager that creates a list by an Update owns the
// list itself and keeps it when an apply removes the last item. An item applied
// later conflicts with it. An Update that removes the last item takes the list
// away.
func TestFact18_ListOutlivesItems(t *testing.T) {
	t.Parallel()
	begin := testenv.Steps{
		argo("[]"), editPorts(testenv.KubectlEdit, "[{name: api, containerPort: 8080, protocol: TCP}]"), us(shared(adapterNFS)), removesFirst(testenv.KubectlEdit),
		testenv.Expect{Ports: []string{"adapter-nfs:12049/TCP"}},
	}
	t.Run("after an apply", func(t *testing.T) {
		t.Parallel()
		facts(begin, us(metadataOnly), testenv.Expect{Ports: []string{}},
			refused(us(shared(adapterNFS)), testenv.Conflict(`conflict with "kubectl-edit"`, `.spec.template.spec.containers[name="dittofs"].ports`)),
		).Run(t, testenv.Shared(t))
	})
	t.Run("not after an Update", func(t *testing.T) {
		t.Parallel()
		facts(begin, removesFirst(testenv.Portside), testenv.Expect{Ports: []string{}}, us(shared(adapterNFS)),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"adapter-nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

// removesFirst removes the container's first port.
func removesFirst(manager string) testenv.Patch {
	return testenv.Patch{Manager: manager, Type: types.JSONPatchType, Data: `[{"op":"remove","path":"/spec/template/spec/containers/0/ports/0"}]`}
}
