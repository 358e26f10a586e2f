package testenv_test

import (
	"fmt"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestFact07_ApplyToMissingObject(t *testing.T) {
	t.Parallel()
	const container = "{name: dittofs, ports: " + adapterNFS + "}"
	t.Run("tries to create it", func(t *testing.T) {
		t.Parallel()
		facts(
			refused(us(shared(adapterNFS)), testenv.Invalid(`StatefulSet.apps "dittofs" is invalid`, "spec.selector: Required value")),
			testenv.Expect{Gone: true},
		).Run(t, testenv.Shared(t))
	})
	t.Run("is refused with a uid", func(t *testing.T) {
		t.Parallel()
		facts(
			refused(us(body(", uid: 11111111-2222-3333-4444-555555555555", container)), testenv.Conflict("uid mismatch")),
			refused(us(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: dittofs, uid: 11111111-2222-3333-4444-555555555555}}`),
				testenv.Conflict("uid mismatch")),
			testenv.Expect{Gone: true},
		).Run(t, testenv.Shared(t))
	})
	t.Run("of a recreated object is refused with the old uid", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		ns := cp.Namespace(t)
		facts(argo(static)).RunIn(t, cp, ns)
		uid := fmt.Sprintf(", uid: %s", liveSet(t, cp, ns).GetUID())
		facts(
			us(body(uid, container)), testenv.Expect{Change: testenv.SpecChanged},
			testenv.Delete{Manager: testenv.ArgoCD}, testenv.Expect{Gone: true},
			argo(static),
			refused(us(body(uid, container)), testenv.Invalid("metadata.uid: Invalid value", "field is immutable")),
		).RunIn(t, cp, ns)
	})
}

func TestFact08_ApplyToMissingContainer(t *testing.T) {
	t.Parallel()
	facts(
		argo(static),
		refused(us(body("", "{name: gone, ports: "+adapterNFS+"}")), testenv.Invalid("spec.template.spec.containers[1].image: Required value")),
		testenv.Expect{Containers: []string{dittofs}},
	).Run(t, testenv.Shared(t))
}

func TestFact13_EmptyBody(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]string{
		"a bare container": body("", "{name: dittofs}"),
		"an empty list":    shared("[]"),
	} {
		t.Run(name+" keeps the container's key", func(t *testing.T) {
			t.Parallel()
			facts(
				argo(static), us(shared(adapterNFS)),
				us(empty),
				testenv.Expect{
					Change: testenv.SpecChanged,
					Ports:  []string{"api:8080/TCP", "nfs:2049/TCP"},
					Owners: map[string][]string{"": {argoApply, portsideApply}, "name": {argoApply, portsideApply}},
				},
			).Run(t, testenv.Shared(t))
		})
		t.Run(name+" claims the container's key", func(t *testing.T) {
			t.Parallel()
			facts(
				argo(static),
				us(empty),
				testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"": {argoApply, portsideApply}}},
				ourEntry(true),
			).Run(t, testenv.Shared(t))
		})
	}
	t.Run("metadata only removes our entry", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		ns := cp.Namespace(t)
		facts(argo(static), us(shared(adapterNFS)), ourEntry(true)).RunIn(t, cp, ns)
		guarded := us(fmt.Sprintf(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: dittofs, namespace: %s, uid: %s}}`,
			ns, liveSet(t, cp, ns).GetUID()))
		facts(
			guarded,
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
			ourEntry(false),
			guarded, testenv.Expect{Change: testenv.NothingChanged},
			us(metadataOnly), testenv.Expect{Change: testenv.NothingChanged},
		).RunIn(t, cp, ns)
	})
	t.Run("metadata only is a no-op without an entry", func(t *testing.T) {
		t.Parallel()
		facts(
			argo(static),
			us(metadataOnly), testenv.Expect{Change: testenv.NothingChanged},
			ourEntry(false),
		).Run(t, testenv.Shared(t))
	})
}
