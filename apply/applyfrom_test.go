package apply_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// The tests of reconciles from an observation that may be stale, as a cache is.

// observations keeps an observation for later steps of a story.
type observations struct{ kept *workload.Workload }

// keep observes the workload now.
func (l *observations) keep() testenv.Do {
	return testenv.Do{What: "an observation", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) (err error) {
		applier, err := applierFor(cp.Config())
		if err != nil {
			return err
		}
		l.kept, err = applier.Get(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs})
		return err
	}}
}

// applyFrom reconciles from the observation that was kept, and checks the requests. Without
// an outcome any is accepted.
func (l *observations) applyFrom(reduced bool, requests string, want reconcile, check ...func(apply.Result) error) testenv.Do {
	return testenv.Do{What: fmt.Sprintf("a reconcile from an observation (reduced: %t)", reduced), Func: func(ctx context.Context, cp *testenv.ControlPlane, _ string) error {
		var sent testenv.Requests
		applier, err := applierFor(audited(sent.Wrap(cp.Config())), apply.WithDryRun(want.dryRun))
		if err != nil {
			return err
		}
		observed := l.kept
		if reduced {
			observed = trimmed(observed, testenv.Portside)
		}
		result, err := applyFrom(ctx, applier, observed, apply.Desired{Container: want.container, Adapters: want.adapters})
		if got := describe(result.Ports); (want.outcome != "" && result.Outcome != want.outcome) || !slices.Equal(got, want.ports) {
			return fmt.Errorf("outcome %s (%v), ports %q; want %s, %q", result.Outcome, err, got, want.outcome, want.ports)
		}
		cost := fmt.Sprintf("GET %d, APPLY %d, PATCH %d", sent.Count(testenv.VerbGet), sent.Count(testenv.VerbApply), sent.Count(testenv.VerbPatch))
		if cost != requests {
			return fmt.Errorf("it took %s, want %s", &sent, requests)
		}
		for _, c := range check {
			if err := c(result); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (p reconcile) to(outcome apply.Outcome, ports ...string) reconcile {
	p.outcome, p.ports = outcome, ports
	return p
}

// fromObservation plays a story with the whole and with the trimmed observation.
func fromObservation(t *testing.T, steps func(l *observations, reduced bool) []testenv.Step) {
	t.Helper()
	for name, reduced := range map[string]bool{"whole": false, "reduced": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps(&observations{}, reduced)...).Run(t, testenv.Shared(t))
		})
	}
}

func TestApplyFrom(t *testing.T) {
	t.Parallel()
	fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
		return []testenv.Step{
			argo(static), l.keep(),
			l.applyFrom(reduced, "GET 0, APPLY 1, PATCH 0", wanting(nfs, smb).to(apply.Applied, ownedNFS, ownedSMB), templateChanged(true)),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"}},
			l.keep(),
			l.applyFrom(reduced, "GET 0, APPLY 1, PATCH 0", wanting(nfs, smb).to(apply.Unchanged, ownedNFS, ownedSMB), templateChanged(false)),
			testenv.Expect{Change: testenv.NothingChanged},
			l.applyFrom(reduced, "GET 0, APPLY 1, PATCH 0", wanting(nfs).to(apply.Applied, ownedNFS, "adapter-smb 1445/TCP Removed"), templateChanged(true)),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
		}
	})
}

func templateChanged(want bool) func(apply.Result) error {
	return func(r apply.Result) error {
		if got := r.TemplateChanged(); got != want {
			return fmt.Errorf("the template changed: %t, want %t", got, want)
		}
		return nil
	}
}

// TestApplyFrom_LastPort: our last port is removed only from a current observation, since
// the server might prune other managers' ports.
func TestApplyFrom_LastPort(t *testing.T) {
	t.Parallel()
	removed := wanting().to(apply.Applied, "adapter-nfs 12049/TCP Removed")
	t.Run("by an apply", func(t *testing.T) {
		t.Parallel()
		fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(nfs).is(apply.Applied, ownedNFS), l.keep(),
				l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 0", removed, templateChanged(true)),
				testenv.Expect{Ports: []string{"api:8080/TCP"}, Owners: map[string][]string{"": {argoApply}}},
			}
		})
	})
	t.Run("by a patch, since the owner lost its entry meanwhile", func(t *testing.T) {
		t.Parallel()
		fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(nfs).is(apply.Applied, ownedNFS), l.keep(), testenv.Disown{Manager: testenv.ArgoCD},
				l.applyFrom(reduced, "GET 1, APPLY 0, PATCH 1", removed),
				testenv.Expect{Containers: []string{dittofs}, Ports: []string{"api:8080/TCP"}, Owners: map[string][]string{"": {}}},
			}
		})
	})
	t.Run("of another container", func(t *testing.T) {
		t.Parallel()
		fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
			sidecar := wanting(nfs)
			sidecar.container = "sidecar"
			return []testenv.Step{
				by(testenv.ArgoCD, twoContainers), sidecar.is(apply.Applied, ownedNFS), l.keep(), testenv.Disown{Manager: testenv.ArgoCD},
				l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 1", wanting(nfs).to(apply.Applied, ownedNFS, "adapter-nfs 12049/TCP Removed")),
				testenv.Expect{Containers: []string{"sidecar", dittofs}, Ports: []string{"adapter-nfs:12049/TCP"}},
			}
		})
	})
	t.Run("of a container that was removed", func(t *testing.T) {
		t.Parallel()
		named := wanting(nfs)
		named.container = dittofs
		fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry, l.keep(),
				l.applyFrom(reduced, "GET 1, APPLY 0, PATCH 1", named.to(apply.ContainerNotFound)),
				testenv.Expect{Change: testenv.MetadataChanged, Containers: []string{"server"}, Owners: map[string][]string{"": {}}},
			}
		})
	})
}

// TestApplyFrom_UnownedName: row 10, from an observation with a port that no longer
// exists, would create the port and then remove it.
func TestApplyFrom_UnownedName(t *testing.T) {
	t.Parallel()
	fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
		return []testenv.Step{
			argo(static), orphan("[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]"), l.keep(),
			updates(testenv.KubectlEdit, static),
			l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 0", wanting(at(nfs, 12050)).to(apply.Applied, "adapter-nfs 12050/TCP Owned portside/Apply")),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12050/TCP"}},
		}
	})
}

func TestApplyFrom_StaleObservation(t *testing.T) {
	t.Parallel()
	theirs := "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
	shadowed := `adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply)`
	for name, steps := range map[string]func(l *observations, reduced bool) []testenv.Step{
		"a static port came to the number": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), argo(theirs),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs, smb).to(apply.Applied, shadowed+` as "nfs"`, ownedSMB)),
				testenv.Expect{
					Ports:  []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-smb:1445/TCP"},
					Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}},
				},
			}
		},
		"an unnamed static port came to the number": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs, smb).to(apply.Applied, shadowed+" without a name", ownedSMB)),
				testenv.Expect{
					Ports:  []string{"api:8080/TCP", ":12049/TCP", "adapter-smb:1445/TCP"},
					Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {}},
				},
			}
		},
		"it came to the only number": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"),
				l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 0", wanting(nfs).to(apply.Unchanged, shadowed+" without a name")),
				testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", ":12049/TCP"}, Owners: map[string][]string{"": {argoApply}, "12049/TCP.name": {}}},
			}
		},
		"the static port was removed": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(theirs), l.keep(), argo(static),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs, smb).to(apply.Applied, ownedNFS, ownedSMB)),
			}
		},
		"the container was renamed": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), renameContainer,
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs).to(apply.Applied, ownedNFS)),
				testenv.Expect{Containers: []string{"server"}},
			}
		},
		"the workload was deleted": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), testenv.Do{What: "its end", Func: remove},
				l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 0", wanting(nfs).to(apply.TargetNotFound)),
				testenv.Expect{Gone: true},
			}
		},
		"the workload was recreated": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(smb).is(apply.Applied, ownedSMB), l.keep(),
				testenv.Do{What: "its end", Func: remove}, argo("[{name: web, containerPort: 8080}]"),
				// What was ours of the old one is not told as removed from the new.
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs).to(apply.Applied, ownedNFS)),
				testenv.Expect{Ports: []string{"web:8080/TCP", "adapter-nfs:12049/TCP"}},
			}
		},
		"our own write is not seen yet": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), wanting(nfs).is(apply.Applied, ownedNFS),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs).to(apply.Unchanged, ownedNFS)),
				testenv.Expect{Change: testenv.NothingChanged},
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs, smb).to(apply.Applied, ownedNFS, ownedSMB)),
				testenv.Expect{Change: testenv.SpecChanged},
			}
		},
		"other managers wrote": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(nfs).is(apply.Applied, ownedNFS), l.keep(), argo("[{name: web, containerPort: 8081}]"),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs).to(apply.Unchanged, ownedNFS), templateChanged(false)),
				testenv.Expect{Change: testenv.NothingChanged},
			}
		},
		"our ports were removed": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(nfs).is(apply.Applied, ownedNFS), l.keep(), updates(testenv.KubectlReplace, static),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs).to(apply.Applied, ownedNFS)),
				testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
			}
		},
		"an unowned port got the number": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), orphan("[{name: nfs, containerPort: 12049}]"),
				l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 0", wanting(nfs, smb).to(apply.Applied,
					`adapter-nfs 12049/TCP Shadowed: 12049/TCP is declared by no known manager as "nfs"`, ownedSMB)),
				testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-smb:1445/TCP"}, Owners: map[string][]string{"12049/TCP": {}}},
			}
		},
		"our port lost its owner and was renamed": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), wanting(nfs).is(apply.Applied, ownedNFS), l.keep(),
				edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"nfs"}]`), emptied,
				l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 0", wanting(nfs).to(apply.Unchanged,
					`adapter-nfs 12049/TCP Shadowed: 12049/TCP is declared by no known manager as "nfs"`)),
				testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", "nfs:12049/TCP"}},
			}
		},
		"the name of an owner's port is unowned": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{
				argo(static), l.keep(), argo("[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"), emptied,
				argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"), testenv.Disown{Manager: "before-first-apply"},
				l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 0", wanting(nfs).to(apply.Unchanged, shadowed+` as "adapter-nfs"`)),
				testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fromObservation(t, steps)
		})
	}
}

// TestApplyFrom_WithoutWrites has the outcomes that need no request.
func TestApplyFrom_WithoutWrites(t *testing.T) {
	t.Parallel()
	fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
		missing := wanting(nfs)
		missing.container = "dittosf"
		many := wanting(make([]apply.Adapter, apply.MaxAdapters+1)...)
		return []testenv.Step{
			argo(static), l.keep(),
			l.applyFrom(reduced, "GET 0, APPLY 0, PATCH 0", wanting().to(apply.Unchanged)),
			l.applyFrom(reduced, "GET 0, APPLY 0, PATCH 0", many.to(apply.Failed)),
			l.applyFrom(reduced, "GET 0, APPLY 0, PATCH 0", missing.to(apply.ContainerNotFound)),
			edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/paused":"true"}}]`), l.keep(),
			l.applyFrom(reduced, "GET 0, APPLY 0, PATCH 0", wanting(nfs).to(apply.Paused,
				"adapter-nfs 12049/TCP Blocked: the annotation portside.dev/paused stops every write to the workload")),
		}
	})
}

// TestApplyFrom_DryRun has the same result as a dry run of Apply.
func TestApplyFrom_DryRun(t *testing.T) {
	t.Parallel()
	fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
		want := wanting(nfs).to(apply.Applied, ownedNFS)
		want.dryRun = true
		return []testenv.Step{
			argo(static), l.keep(), l.applyFrom(reduced, "GET 0, APPLY 1, PATCH 0", want, templateChanged(true)),
			testenv.Expect{Change: testenv.NothingChanged},
		}
	})
}
