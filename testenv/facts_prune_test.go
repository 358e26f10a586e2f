package testenv_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestFact17_LettingGoPrunesWhatNobodyOwns: an apply that gives up the last
// thing its manager owned below a list item takes out the item, or a field such
// as ports, as a whole, and puts back only what other managers own.
func TestFact17_LettingGoPrunesWhatNobodyOwns(t *testing.T) {
	t.Parallel()
	t.Run("a port, when nobody else owns one", func(t *testing.T) {
		t.Parallel()
		facts(
			argo("[]"), by(backup, us(shared("[{name: nfs, containerPort: 2049}]"))), testenv.Disown{Manager: backup}, us(shared(adapterNFS)),
			testenv.Expect{Ports: []string{"nfs:2049/TCP", "adapter-nfs:12049/TCP"}, Owners: map[string][]string{"2049/TCP": {}}},
			us(metadataAlone), testenv.Expect{Ports: []string{}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("not when another manager owns one", func(t *testing.T) {
		t.Parallel()
		facts(
			argo("[{name: api, containerPort: 8080}]"), by(backup, us(shared("[{name: nfs, containerPort: 2049}]"))), testenv.Disown{Manager: backup}, us(shared(adapterNFS)),
			us(metadataAlone), testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("the container, when nobody else owns its key", func(t *testing.T) {
		t.Parallel()
		facts(
			argo(static), us(shared(adapterNFS)), testenv.Disown{Manager: testenv.ArgoCD},
			refused(us(metadataAlone), testenv.Invalid("spec.template.spec.containers: Required value")),
		).Run(t, testenv.Shared(t))
	})
}
