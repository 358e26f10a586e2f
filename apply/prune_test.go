package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// What the API server prunes when an apply gives up our last field, and which managers
// would lose ports.

func TestPrune_KeepsUnownedPorts(t *testing.T) {
	t.Parallel()
	unowned := []testenv.Step{
		argo("[]"), orphan("[{name: nfs, containerPort: 2049, protocol: TCP}]"),
		wanting(smb).is(apply.Applied, ownedSMB),
	}
	left := testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"nfs:2049/TCP"}, Owners: map[string][]string{"": {argoApply}, "1445/TCP": {}}}
	for name, end := range map[string]testenv.Do{
		"a reconcile": wanting().is(apply.Applied, "adapter-smb 1445/TCP Removed"),
		"a release":   releasing(false).is(apply.Applied, "adapter-smb 1445/TCP Removed"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := append(append([]testenv.Step{}, unowned...), wanting().foreseeing("nfs:2049/TCP").is(apply.Applied, "adapter-smb 1445/TCP Removed"), end, left,
				wanting().is(apply.Unchanged))
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}

// lastOfHelms leaves a port list that helm created by an Update, without its ports.
func lastOfHelms(more ...testenv.Step) []testenv.Step {
	return append([]testenv.Step{
		argo("[]"), updates("helm", "[{name: api, containerPort: 8080, protocol: TCP}]"), wanting(nfs).is(apply.Applied, ownedNFS),
		edits("helm", `[{"op":"remove","path":"/spec/template/spec/containers/0/ports/0"}]`),
	}, more...)
}

// TestPrune_OfAnotherManagersList: where another manager owns the list itself, it does not
// own the list any more after our last port is removed.
func TestPrune_OfAnotherManagersList(t *testing.T) {
	t.Parallel()
	removed := "adapter-nfs 12049/TCP Removed"
	gone := testenv.Expect{Change: testenv.SpecChanged, Ports: []string{}}
	hostPort := edits(testenv.KubectlEdit, `[{"op":"add","path":"/spec/template/spec/containers/0/ports/0/hostPort","value":12049}]`)
	for name, end := range map[string][]testenv.Step{
		"a reconcile": {wanting().is(apply.Applied, removed), gone},
		"a release":   {releasing(false).is(apply.Applied, removed), gone},
		"a reconcile, of a port of which another owns a leaf": {hostPort, wanting().is(apply.Applied, removed), gone},
		"a reconcile, with one that stays": {
			wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB), wanting(smb).costing("GET 1, APPLY 1").is(apply.Applied, ownedSMB, removed),
			wanting().is(apply.Applied, "adapter-smb 1445/TCP Removed"), gone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			back := testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{"12049/TCP": {usApply}}}
			story(append(lastOfHelms(end...), wanting(nfs).is(apply.Applied, ownedNFS), back)...).Run(t, testenv.Shared(t))
		})
	}
}

// TestPrune_EmptyList reports an empty list of another manager, which can be adopted.
func TestPrune_EmptyList(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	story(lastOfHelms(
		adopting("helm").is(apply.Unchanged), // the list has a port
		by(alice, shares("[{name: adapter-nfs, containerPort: 12049}]")), releasing(false).is(apply.Applied, "adapter-nfs 12049/TCP Released alice/Apply"),
		by(alice, "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: dittofs}}"), testenv.Expect{Change: testenv.SpecChanged, Ports: []string{}},
		testenv.Do{What: "a reconcile", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			err := anyReconcile(nfs)(ctx, cp, namespace)
			const want = "container dittofs has no ports, and helm (Update) owns the empty list: "
			empty := new(apply.EmptyListError)
			if !errors.As(err, &empty) || !slices.Equal(empty.Managers, []fieldmanager.Manager{fieldmanager.Updater("helm")}) ||
				!apply.IsRefusal(err) || !strings.HasPrefix(err.Error(), want) {
				return fmt.Errorf("the error is %w, want %q", err, want)
			}
			return nil
		}}, testenv.Expect{Change: testenv.NothingChanged},
		adopting(testenv.ArgoCD).is(apply.Unchanged), adopting("helm").is(apply.Applied), testenv.Expect{Change: testenv.MetadataChanged},
		adopting("helm").is(apply.Unchanged), wanting(nfs).is(apply.Applied, ownedNFS), testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{"12049/TCP": {usApply}}},
	)...).RunIn(t, cp, ns)
}

func TestPrune_KeepsTheContainer(t *testing.T) {
	t.Parallel()
	// Only we own the container's key: an owner of the image alone would not keep the
	// container.
	begin := []testenv.Step{
		argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		edits(testenv.KubectlSet, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"dittofs:2"}]`),
		testenv.Disown{Manager: testenv.ArgoCD},
		testenv.Expect{Owners: map[string][]string{"": {usApply}, "8080/TCP": {}}},
	}
	left := testenv.Expect{Change: testenv.SpecChanged, Containers: []string{dittofs}, Ports: []string{"api:8080/TCP"}, Owners: map[string][]string{"": {}, "8080/TCP": {}}}
	for name, end := range map[string]testenv.Do{
		"a reconcile": wanting().is(apply.Applied, "adapter-nfs 12049/TCP Removed"),
		"a release":   releasing(false).is(apply.Applied, "adapter-nfs 12049/TCP Removed"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(append(append([]testenv.Step{}, begin...), end, left)...).Run(t, testenv.Shared(t))
		})
	}
}

// TestPrune_KeepsSharedPorts: also where our entry is removed by a patch.
func TestPrune_KeepsSharedPorts(t *testing.T) {
	t.Parallel()
	story(argo(static), testenv.Do{What: "a reconcile", Func: anyReconcile(nfs, smb)}, by(alice, shares("[{name: adapter-nfs, containerPort: 12049}]")),
		testenv.Disown{Manager: testenv.ArgoCD}, disownContainer(alice),
		testenv.Expect{Owners: map[string][]string{"": {usApply}, "12049/TCP": {aliceApply, usApply}}},
		wanting().is(apply.Applied, "adapter-smb 1445/TCP Removed"),
		testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}, Owners: map[string][]string{"12049/TCP": {aliceApply}}},
	).Run(t, testenv.Shared(t))
}

// disownContainer removes the container's key, and nothing else, from a manager's entry.
func disownContainer(manager string) testenv.Do {
	return testenv.Do{What: manager + " loses the container's key", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		m := cp.Manager("disown")
		live, err := m.Get(ctx, "StatefulSet", namespace, dittofs)
		if err != nil {
			return err
		}
		entries := live.GetManagedFields()
		for i := range entries {
			if entries[i].Manager != manager {
				continue
			}
			set := fieldpath.NewSet()
			if err := set.FromJSON(entries[i].FieldsV1.GetRawReader()); err != nil {
				return err
			}
			container := fieldpath.MakePathOrDie("spec", "template", "spec", "containers", fieldpath.KeyByFields("name", dittofs))
			raw, err := set.Difference(fieldpath.NewSet(container)).ToJSON()
			if err != nil {
				return err
			}
			_, err = m.Patch(ctx, "StatefulSet", namespace, dittofs, "application/json-patch+json",
				fmt.Appendf(nil, `[{"op":"replace","path":"/metadata/managedFields/%d/fieldsV1","value":%s}]`, i, raw))
			return err
		}
		return fmt.Errorf("%s has no entry", manager)
	}}
}

var twoContainers = fixture.StatefulSet(dittofs, fixture.Container("sidecar"), fixture.Container(dittofs),
	fixture.Spec("template: {metadata: {annotations: {kubectl.kubernetes.io/default-container: dittofs}}}"))

func TestAnotherContainer(t *testing.T) {
	t.Parallel()
	sidecar := wanting(nfs)
	sidecar.container = "sidecar"
	t.Run("its owner keeps the old one", func(t *testing.T) {
		t.Parallel()
		story(by(testenv.ArgoCD, twoContainers), sidecar.is(apply.Applied, ownedNFS),
			wanting(nfs).costing("GET 1, APPLY 1").is(apply.Applied, ownedNFS, "adapter-nfs 12049/TCP Removed"),
			testenv.Expect{Change: testenv.SpecChanged, Containers: []string{"sidecar", dittofs}, Ports: []string{"adapter-nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("no other manager keeps the old one", func(t *testing.T) {
		t.Parallel()
		story(by(testenv.ArgoCD, twoContainers), sidecar.is(apply.Applied, ownedNFS), testenv.Disown{Manager: testenv.ArgoCD},
			wanting(nfs).is(apply.Applied, ownedNFS, "adapter-nfs 12049/TCP Removed"),
			testenv.Expect{Containers: []string{"sidecar", dittofs}, Ports: []string{"adapter-nfs:12049/TCP"}, Owners: map[string][]string{"12049/TCP": {usApply}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("row 10 changes the template once", func(t *testing.T) {
		t.Parallel()
		other := sidecar
		other.adapters = []apply.Adapter{smb}
		story(by(testenv.ArgoCD, twoContainers), other.is(apply.Applied, ownedSMB), orphan("[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]"),
			wanting(at(nfs, 12050)).costing("GET 1, APPLY 2").is(apply.Applied, "adapter-nfs 12050/TCP Owned portside/Apply", "adapter-smb 1445/TCP Removed"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"adapter-nfs:12050/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

// TestOwnedPortsAreLive: no port is reported as Owned that is not live.
func TestOwnedPortsAreLive(t *testing.T) {
	t.Parallel()
	moved := "adapter-nfs 12050/TCP Owned portside/Apply"
	t.Run("renumbered while another shares the old port unnamed", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS), argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"),
			wanting(at(nfs, 12050)).costing("GET 1, APPLY 1").is(apply.Applied, moved),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", ":12049/TCP", "adapter-nfs:12050/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("a static port goes in between", func(t *testing.T) {
		t.Parallel()
		story(argo("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"),
			wanting(nfs, smb).after(argoMeanwhile(static)).costing("GET 1, APPLY 2").is(apply.Applied, ownedNFS, ownedSMB),
			testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("paused in between", func(t *testing.T) {
		t.Parallel()
		pause := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			_, err := cp.Manager(testenv.KubectlEdit).Patch(ctx, "StatefulSet", namespace, dittofs, "application/merge-patch+json",
				[]byte(`{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`))
			return err
		}
		story(argo(static), orphan("[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]"),
			wanting(at(nfs, 12050)).after(pause).is(apply.Applied,
				"adapter-nfs 12050/TCP Blocked: another manager changed the workload meanwhile; the next reconcile decides again"),
			testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("the only port is refused", func(t *testing.T) {
		t.Parallel()
		story(argo(static),
			wanting(nfs).after(argoMeanwhile("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]")).costing("GET 2, APPLY 1").is(apply.Unchanged,
				`adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply) as "nfs"`),
		).Run(t, testenv.Shared(t))
	})
}
