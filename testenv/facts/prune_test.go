package facts_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

func TestFact17_PruningUnowned(t *testing.T) {
	t.Parallel()
	t.Run("removes an unowned port if no other manager owns one", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare("[]"), by(third, contribute(shared("[{name: nfs, containerPort: 2049}]"))), testenv.Disown{Manager: third}, contribute(shared(extraNFS)),
			testenv.Expect{Ports: []string{"nfs:2049/TCP", "extra-nfs:12049/TCP"}, Owners: map[string][]string{"2049/TCP": {}}},
			contribute(metadataOnly), testenv.Expect{Ports: []string{}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("keeps it if another manager owns one", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare("[{name: api, containerPort: 8080}]"), by(third, contribute(shared("[{name: nfs, containerPort: 2049}]"))), testenv.Disown{Manager: third}, contribute(shared(extraNFS)),
			contribute(metadataOnly), testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("removes the container if no other manager owns its key", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static), contribute(shared(extraNFS)), testenv.Disown{Manager: owner},
			refused(contribute(metadataOnly), testenv.Invalid("spec.template.spec.containers: Required value")),
		).Run(t, testenv.Shared(t))
	})
}

func TestFact18_ListOutlivesItems(t *testing.T) {
	t.Parallel()
	begin := testenv.Steps{
		declare("[]"), editPorts(testenv.KubectlEdit, "[{name: api, containerPort: 8080, protocol: TCP}]"), contribute(shared(extraNFS)), removesFirst(testenv.KubectlEdit),
		testenv.Expect{Ports: []string{"extra-nfs:12049/TCP"}},
	}
	t.Run("after an apply", func(t *testing.T) {
		t.Parallel()
		scenario(begin, contribute(metadataOnly), testenv.Expect{Ports: []string{}},
			refused(contribute(shared(extraNFS)), testenv.Conflict(`conflict with "kubectl-edit"`, `.spec.template.spec.containers[name="files"].ports`)),
		).Run(t, testenv.Shared(t))
	})
	t.Run("not after an Update", func(t *testing.T) {
		t.Parallel()
		scenario(begin, removesFirst(contributor), testenv.Expect{Ports: []string{}}, contribute(shared(extraNFS)),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"extra-nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

// removesFirst removes the container's first port.
func removesFirst(manager string) testenv.Patch {
	return testenv.Patch{Manager: manager, Type: types.JSONPatchType, Data: `[{"op":"remove","path":"/spec/template/spec/containers/0/ports/0"}]`}
}
