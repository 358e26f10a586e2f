package facts_test

import (
	"fmt"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestFact07_ApplyToMissingObject(t *testing.T) {
	t.Parallel()
	const container = "{name: files, ports: " + extraNFS + "}"
	t.Run("tries to create it", func(t *testing.T) {
		t.Parallel()
		scenario(
			refused(contribute(shared(extraNFS)), testenv.Invalid(`StatefulSet.apps "files" is invalid`, "spec.selector: Required value")),
			testenv.Expect{Gone: true},
		).Run(t, testenv.Shared(t))
	})
	t.Run("is refused with a uid", func(t *testing.T) {
		t.Parallel()
		scenario(
			refused(contribute(body(", uid: 11111111-2222-3333-4444-555555555555", container)), testenv.Conflict("uid mismatch")),
			refused(contribute(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: files, uid: 11111111-2222-3333-4444-555555555555}}`),
				testenv.Conflict("uid mismatch")),
			testenv.Expect{Gone: true},
		).Run(t, testenv.Shared(t))
	})
	t.Run("of a recreated object is refused with the old uid", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		ns := cp.Namespace(t)
		scenario(declare(static)).RunIn(t, cp, ns)
		uid := fmt.Sprintf(", uid: %s", liveSet(t, cp, ns).GetUID())
		scenario(
			contribute(body(uid, container)), testenv.Expect{Change: testenv.SpecChanged},
			testenv.Delete{Manager: owner}, testenv.Expect{Gone: true},
			declare(static),
			refused(contribute(body(uid, container)), testenv.Invalid("metadata.uid: Invalid value", "field is immutable")),
		).RunIn(t, cp, ns)
	})
}

func TestFact08_ApplyToMissingContainer(t *testing.T) {
	t.Parallel()
	scenario(
		declare(static),
		refused(contribute(body("", "{name: gone, ports: "+extraNFS+"}")), testenv.Invalid("spec.template.spec.containers[1].image: Required value")),
		testenv.Expect{Containers: []string{files}},
	).Run(t, testenv.Shared(t))
}

func TestFact13_EmptyBody(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]string{
		"a bare container": body("", "{name: files}"),
		"an empty list":    shared("[]"),
	} {
		t.Run(name+" keeps the container's key", func(t *testing.T) {
			t.Parallel()
			scenario(
				declare(static), contribute(shared(extraNFS)),
				contribute(empty),
				testenv.Expect{
					Change: testenv.SpecChanged,
					Ports:  []string{"api:8080/TCP", "nfs:2049/TCP"},
					Owners: map[string][]string{"": {ownerApply, contributorApply}, "name": {ownerApply, contributorApply}},
				},
			).Run(t, testenv.Shared(t))
		})
		t.Run(name+" claims the container's key", func(t *testing.T) {
			t.Parallel()
			scenario(
				declare(static),
				contribute(empty),
				testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"": {ownerApply, contributorApply}}},
				contributorEntry(true),
			).Run(t, testenv.Shared(t))
		})
	}
	t.Run("metadata only removes the entry", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		ns := cp.Namespace(t)
		scenario(declare(static), contribute(shared(extraNFS)), contributorEntry(true)).RunIn(t, cp, ns)
		guarded := contribute(fmt.Sprintf(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: files, namespace: %s, uid: %s}}`,
			ns, liveSet(t, cp, ns).GetUID()))
		scenario(
			guarded,
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
			contributorEntry(false),
			guarded, testenv.Expect{Change: testenv.NothingChanged},
			contribute(metadataOnly), testenv.Expect{Change: testenv.NothingChanged},
		).RunIn(t, cp, ns)
	})
	t.Run("metadata only is a no-op without an entry", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static),
			contribute(metadataOnly), testenv.Expect{Change: testenv.NothingChanged},
			contributorEntry(false),
		).Run(t, testenv.Shared(t))
	})
}
