package apply_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
)

// step is a release or an adoption with its expected result.
type step struct {
	what    string
	options []apply.Option
	do      func(context.Context, *apply.Applier, workload.Target) (apply.Result, error)
	kind    workload.Kind // StatefulSet when empty
	write   int32         // that between comes before
	between func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error
}

func (s step) of(kind workload.Kind) step {
	s.kind = kind
	return s
}

// after calls a function between the observation and the first write.
func (s step) after(between func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error) step {
	return s.before(1, between)
}

// before calls a function before the nth write.
func (s step) before(write int32, between func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error) step {
	s.write, s.between = write, between
	return s
}

func adopting(from string, options ...apply.Option) step {
	return step{what: "adoption from " + from, options: options, do: func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		return a.Adopt(ctx, t, "", []string{from})
	}}
}

// adoptingFromGone is an adoption from a manager that applied and no longer writes.
func adoptingFromGone(from string, options ...apply.Option) step {
	return step{what: "adoption from " + from, options: options, do: func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		return a.Adopt(ctx, t, "", []string{from}, apply.WithGoneManagers())
	}}
}

func releasing(keepPorts bool, options ...apply.Option) step {
	return step{what: "release", options: options, do: func(ctx context.Context, a *apply.Applier, t workload.Target) (apply.Result, error) {
		return a.Release(ctx, t, keepPorts)
	}}
}

func (s step) is(outcome apply.Outcome, ports ...string) testenv.Do {
	return testenv.Do{What: s.what, Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		config := audited(cp.Config())
		if s.between != nil {
			config = interruptedAt(config, s.write, func() error { return s.between(ctx, cp, namespace) })
		}
		applier, err := applierFor(config, s.options...)
		if err != nil {
			return err
		}
		result, err := s.do(ctx, applier, workload.Target{Kind: cmp.Or(s.kind, workload.StatefulSet), Namespace: namespace, Name: dittofs})
		if got := describe(result.Ports); result.Outcome != outcome || !slices.Equal(got, ports) {
			return fmt.Errorf("outcome %s (%v), ports %q; want %s, %q", result.Outcome, err, got, outcome, ports)
		}
		return nil
	}}
}

// legacyPorts are the ports that a read-modify-write operator left: unsorted adapter ports
// and static ports.
const legacyPorts = "[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 1445}, {name: adapter-nfs, containerPort: 12049}]"

var legacyLive = []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"}

func TestAdoption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from     string
		adopting func(from string, options ...apply.Option) step
		history  []testenv.Step
	}{
		"from an operator that updates": {testenv.DittoFSOperator, adopting, []testenv.Step{
			argo(static), updates(testenv.DittoFSOperator, legacyPorts),
		}},
		"from managedFields that were emptied": {fieldmanager.BeforeFirstApply, adopting, []testenv.Step{
			argo(static), updates(testenv.DittoFSOperator, legacyPorts),
			edits("reset", `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`),
			by(alice, shares("[{containerPort: 8080}]")),
		}},
		"from a manager that applied": {"old-portside", adoptingFromGone, []testenv.Step{
			argo(static), by("old-portside", shares("[{name: adapter-smb, containerPort: 1445, protocol: TCP}, {name: adapter-nfs, containerPort: 12049, protocol: TCP}]")),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := append(slices.Clone(c.history),
				testenv.Expect{Ports: legacyLive},
				c.adopting(c.from, apply.WithDryRun(true)).is(apply.Applied, ownedSMB, ownedNFS),
				testenv.Expect{Change: testenv.NothingChanged},
				c.adopting(c.from).is(apply.Applied, ownedSMB, ownedNFS),
				testenv.Expect{
					Change: testenv.MetadataChanged, Ports: legacyLive,
					Owners: map[string][]string{"12049/TCP": {usApply}, "12049/TCP.name": {usApply}, "1445/TCP": {usApply}},
				},
				c.adopting(c.from).is(apply.Unchanged),
				testenv.Expect{Change: testenv.NothingChanged},
				// The order is theirs, and stays.
				wanting(nfs, smb).is(apply.Unchanged, ownedNFS, ownedSMB),
				wanting(at(nfs, 12050), smb).is(apply.Applied, "adapter-nfs 12050/TCP Owned portside/Apply", ownedSMB, "adapter-nfs 12049/TCP Removed"),
				testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12050/TCP"}},
				wanting(at(nfs, 12050)).is(apply.Applied, "adapter-nfs 12050/TCP Owned portside/Apply", "adapter-smb 1445/TCP Removed"),
				testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12050/TCP"}},
			)
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}

func TestAdoptionFromTwoManagers(t *testing.T) {
	t.Parallel()
	story(argo(static), by("old-portside", shares("[{name: adapter-nfs, containerPort: 12049}]")), by(alice, shares("[{name: adapter-nfs, containerPort: 12049}]")),
		adoptingFromGone("old-portside").is(apply.Applied, "adapter-nfs 12049/TCP Shared alice/Apply portside/Apply: also declared by alice (Apply)"),
		testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"12049/TCP": {aliceApply, usApply}}},
		adoptingFromGone(alice).is(apply.Applied, ownedNFS),
		testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"12049/TCP": {usApply}}},
	).Run(t, testenv.Shared(t))
}

func TestAdoptionKeepsOtherFields(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049, hostPort: 22049}]"
	story(argo(theirs), adoptingFromGone(testenv.ArgoCD).is(apply.Applied, ownedNFS),
		testenv.Expect{
			Change: testenv.MetadataChanged,
			Owners: map[string][]string{
				"12049/TCP": {usApply}, "12049/TCP.name": {usApply}, "12049/TCP.hostPort": {argoApply},
				"8080/TCP": {argoApply}, "8080/TCP.name": {argoApply}, "image": {argoApply}, "": {argoApply, usApply},
			},
		},
		// A manager that is alive owns it again; that is told as shared.
		argo(theirs),
		wanting(nfs).is(apply.Applied, // the protocol, which the other did not declare
			"adapter-nfs 12049/TCP Shared argocd-controller/Apply portside/Apply: also declared by argocd-controller (Apply)"),
		testenv.Expect{Change: testenv.MetadataChanged},
	).Run(t, testenv.Shared(t))
}

func TestAdoptionOfTwoItemsWithOneKey(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
	legacyUpdate := updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 1445}, "+
		"{name: adapter-nfs, containerPort: 12049}, {name: nfs, containerPort: 12049}]")
	dropped := "adapter-nfs 12049/TCP Removed: a static port has the same number and protocol; it stays"
	live := []string{"api:8080/TCP", "adapter-smb:1445/TCP", "nfs:12049/TCP"}
	t.Run("back to the one who declares the container", func(t *testing.T) {
		t.Parallel()
		story(argo(theirs), legacyUpdate,
			testenv.Expect{Owners: map[string][]string{"12049/TCP": {legacy}}},
			adopting(testenv.DittoFSOperator, apply.WithDryRun(true)).is(apply.Applied, ownedSMB, dropped),
			testenv.Expect{Change: testenv.NothingChanged},
			adopting(testenv.DittoFSOperator).is(apply.Applied, ownedSMB, dropped),
			testenv.Expect{
				Change: testenv.SpecChanged, Ports: live,
				Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}, "1445/TCP": {usApply}},
			},
			adopting(testenv.DittoFSOperator).is(apply.Unchanged),
			testenv.Expect{Change: testenv.NothingChanged},
			argo(theirs), testenv.Expect{Ports: live},
			wanting(nfs, smb).is(apply.Unchanged,
				`adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply) as "nfs"`, ownedSMB),
		).Run(t, testenv.Shared(t))
	})
	t.Run("to no manager where it cannot be determined", func(t *testing.T) {
		t.Parallel()
		story(argo(theirs), by(alice, shares("[{name: api, containerPort: 8080}]")), legacyUpdate,
			adopting(testenv.DittoFSOperator).is(apply.Applied, ownedSMB, dropped),
			testenv.Expect{Change: testenv.SpecChanged, Ports: live, Owners: map[string][]string{"12049/TCP": {}, "12049/TCP.name": {}}},
			// Its owner's next sync takes it again.
			argo(theirs),
			testenv.Expect{Change: testenv.MetadataChanged, Ports: live, Owners: map[string][]string{"12049/TCP": {argoApply}}},
		).Run(t, testenv.Shared(t))
	})
}

func TestAdoptionRefuses(t *testing.T) {
	t.Parallel()
	pause := edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/paused":"true"}}]`)
	story(
		adopting("old").is(apply.TargetNotFound),
		releasing(false).is(apply.TargetNotFound),
		argo(static),
		adopting("unknown").is(apply.Unchanged),
		adopting(testenv.Portside).is(apply.Failed),
		testenv.Expect{Change: testenv.NothingChanged},
		wanting(nfs).is(apply.Applied, ownedNFS), pause,
		adopting(testenv.ArgoCD).is(apply.Paused),
		releasing(false).is(apply.Paused),
		testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

func TestRelease(t *testing.T) {
	t.Parallel()
	removed := []string{"adapter-smb 1445/TCP Removed", "adapter-nfs 12049/TCP Removed"}
	t.Run("with the ports", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
			releasing(false, apply.WithDryRun(true)).is(apply.Applied, removed...),
			testenv.Expect{Change: testenv.NothingChanged},
			releasing(false).is(apply.Applied, removed...),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP"}, Owners: map[string][]string{"": {argoApply}}},
			releasing(false).is(apply.Unchanged),
			testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("keeping the ports", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
			releasing(true).is(apply.Applied, "adapter-smb 1445/TCP Released", "adapter-nfs 12049/TCP Released"),
			testenv.Expect{
				Change: testenv.MetadataChanged, Ports: []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"},
				Owners: map[string][]string{"": {argoApply}, "12049/TCP": {}},
			},
			releasing(true).is(apply.Unchanged),
			testenv.Expect{Change: testenv.NothingChanged},
			// They can be taken up again: row 7.
			wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
			testenv.Expect{Change: testenv.MetadataChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("of a port that is shared", func(t *testing.T) {
		t.Parallel()
		story(argo("[{name: adapter-nfs, containerPort: 12049}]"), testenv.Do{What: "a reconcile", Func: anyReconcile(nfs)},
			releasing(false).is(apply.Applied, "adapter-nfs 12049/TCP Released argocd-controller/Apply"),
			testenv.Expect{Change: testenv.MetadataChanged, Ports: []string{"adapter-nfs:12049/TCP"}, Owners: map[string][]string{"12049/TCP": {argoApply}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("keeping the ports as the only manager", func(t *testing.T) {
		t.Parallel()
		story(argo(static), edits("reset", `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`),
			edits("us", `[{"op":"add","path":"/metadata/managedFields","value":[{"manager":"portside","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1",
				"fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{}}}}}}}}]}]`),
			testenv.Expect{Owners: map[string][]string{"": {usApply}}},
			releasing(true).is(apply.Applied),
			testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"": {}}},
		).Run(t, testenv.Shared(t))
	})
}

// TestTransferOfChangedWorkload: managedFields are written whole, so after a write in
// between the workload is read again, and nothing is lost.
func TestTransferOfChangedWorkload(t *testing.T) {
	t.Parallel()
	const more = "[{name: api, containerPort: 8080}, {name: web, containerPort: 8081}]"
	kept := testenv.Expect{
		Change: testenv.SpecChanged,
		Ports:  []string{"api:8080/TCP", "adapter-nfs:12049/TCP", "web:8081/TCP"},
		Owners: map[string][]string{"8081/TCP": {argoApply}, "8081/TCP.name": {argoApply}},
	}
	t.Run("adoption", func(t *testing.T) {
		t.Parallel()
		story(argo(static), updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"),
			adopting(testenv.DittoFSOperator).after(argoMeanwhile(more)).is(apply.Applied, ownedNFS), kept,
		).Run(t, testenv.Shared(t))
	})
	t.Run("adoption of two items with one key, between its writes", func(t *testing.T) {
		t.Parallel()
		const theirs = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
		scaled := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			_, err := cp.Manager(testenv.KubectlEdit).Patch(ctx, "StatefulSet", namespace, dittofs, "application/merge-patch+json", []byte(`{"metadata":{"annotations":{"edited":"true"}}}`))
			return err
		}
		story(argo(theirs), updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 1445}, "+
			"{name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}]"),
			adopting(testenv.DittoFSOperator).before(2, scaled).is(apply.Applied, ownedSMB,
				"adapter-nfs 12049/TCP Removed: a static port has the same number and protocol; it stays"),
			testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("release keeping the ports", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			releasing(true).after(argoMeanwhile(more)).is(apply.Applied, "adapter-nfs 12049/TCP Released"), kept,
		).Run(t, testenv.Shared(t))
	})
	t.Run("the target goes", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			releasing(false).after(remove).is(apply.TargetNotFound), testenv.Expect{Gone: true},
		).Run(t, testenv.Shared(t))
	})
}

func TestTransferOfOtherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []workload.Kind{workload.Deployment, workload.DaemonSet} {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			scenario := story(by(testenv.ArgoCD, declared(kind, static)),
				updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"),
				adopting(testenv.DittoFSOperator).of(kind).is(apply.Applied, ownedNFS),
				testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"12049/TCP": {usApply}}},
				releasing(true).of(kind).is(apply.Applied, "adapter-nfs 12049/TCP Released"),
				testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"12049/TCP": {}}},
				releasing(false).of(kind).is(apply.Unchanged),
				testenv.Expect{Change: testenv.NothingChanged},
			)
			scenario.Kind = kind.Kind
			scenario.Run(t, testenv.Shared(t))
		})
	}
}

func TestAdoptionKeepsOurFields(t *testing.T) {
	t.Parallel()
	t.Run("of another who writes under our name", func(t *testing.T) {
		t.Parallel()
		story(argo(static), edits(testenv.Portside, `[{"op":"add","path":"/spec/template/spec/containers/0/ports/-","value":{"name":"adapter-smb","containerPort":1445,"protocol":"TCP"}}]`),
			adopting("unknown").is(apply.Unchanged),
			testenv.Expect{Change: testenv.NothingChanged, Owners: map[string][]string{"1445/TCP": {"portside/Update"}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("a static port that a user added goes to no manager", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
			updates(testenv.KubectlEdit, "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}, {name: nfs, containerPort: 12049}]"),
			adopting(testenv.KubectlEdit).is(apply.Applied, "adapter-nfs 12049/TCP Removed: a static port has the same number and protocol; it stays"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:12049/TCP"}, Owners: map[string][]string{"12049/TCP": {}}},
			argo(static), testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("to a manager that declares no port", func(t *testing.T) {
		t.Parallel()
		story(argo("[]"), updates(testenv.DittoFSOperator, "[{name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}, {name: adapter-smb, containerPort: 1445}]"),
			adopting(testenv.DittoFSOperator).is(apply.Applied, "adapter-nfs 12049/TCP Removed: a static port has the same number and protocol; it stays", ownedSMB),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"nfs:12049/TCP", "adapter-smb:1445/TCP"}, Owners: map[string][]string{"12049/TCP": {}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("a static port goes back whole", func(t *testing.T) {
		t.Parallel()
		const theirs = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049, hostPort: 2049}]"
		story(argo(theirs), updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049, hostPort: 2049}, "+
			"{name: adapter-nfs, containerPort: 12049}, {name: adapter-smb, containerPort: 1445}]"),
			adopting(testenv.DittoFSOperator).is(apply.Applied, "adapter-nfs 12049/TCP Removed: a static port has the same number and protocol; it stays", ownedSMB),
			testenv.Expect{
				Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:12049/TCP hostPort=2049", "adapter-smb:1445/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.hostPort": {argoApply}},
			},
			adopting(testenv.DittoFSOperator).is(apply.Unchanged),
			argo("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"),
			testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-smb:1445/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("reports the state that the next reconcile finds", func(t *testing.T) {
		t.Parallel()
		story(argo("[{containerPort: 12049}]"), by("old-portside", shares("[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]")),
			adoptingFromGone("old-portside").is(apply.Applied, "adapter-nfs 12049/TCP Shadowed argocd-controller/Apply portside/Apply: "+
				"12049/TCP is declared by argocd-controller (Apply) under another name, which the next reconcile gives back"),
			testenv.Expect{Change: testenv.MetadataChanged},
		).Run(t, testenv.Shared(t))
	})
}
