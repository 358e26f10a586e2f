package apply_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager/fieldmanagertest"
	"github.com/portside-dev/portside/testenv"
)

// The guarantees of the former read-modify-write operator, on a real server.

const (
	ownedNFS = "adapter-nfs 12049/TCP Owned portside/Apply"
	ownedSMB = "adapter-smb 1445/TCP Owned portside/Apply"
)

func TestAdapterPortsNextToStaticPorts(t *testing.T) {
	t.Parallel()
	// Unsorted, unnamed and with hostPort and hostIP: these stay as they are.
	const theirs = `[{name: metrics, containerPort: 9090}, {containerPort: 53, protocol: UDP}, ` +
		`{name: api, containerPort: 8080, hostPort: 18080, hostIP: 127.0.0.1}]`
	live := []string{"metrics:9090/TCP", ":53/UDP", "api:8080/TCP hostPort=18080 hostIP=127.0.0.1"}
	story(argo(theirs),
		wanting(nfs).is(apply.Applied, ownedNFS),
		testenv.Expect{Change: testenv.SpecChanged, Ports: append(slices.Clone(live), "adapter-nfs:12049/TCP")},
		wanting(smb).is(apply.Applied, ownedSMB, "adapter-nfs 12049/TCP Removed"),
		testenv.Expect{Change: testenv.SpecChanged, Ports: append(slices.Clone(live), "adapter-smb:1445/TCP")},
		wanting(smb).is(apply.Unchanged, ownedSMB),
		testenv.Expect{Change: testenv.NothingChanged},
		argo(theirs),
		testenv.Expect{Change: testenv.NothingChanged},
		wanting().is(apply.Applied, "adapter-smb 1445/TCP Removed"),
		testenv.Expect{Change: testenv.SpecChanged, Ports: live},
		wanting().costing("GET 1, APPLY 0").is(apply.Unchanged),
		argo(theirs),
		testenv.Expect{Change: testenv.NothingChanged, Ports: live},
	).Run(t, testenv.Shared(t))
}

func TestTargetNotFound(t *testing.T) {
	t.Parallel()
	story(wanting(nfs).costing("GET 1, APPLY 0").is(apply.TargetNotFound), testenv.Expect{Gone: true}).Run(t, testenv.Shared(t))
}

func TestOrderOfAdapters(t *testing.T) {
	t.Parallel()
	adapters := []apply.Adapter{nfs, smb}
	for i := range 6 {
		adapters = append(adapters, apply.Adapter{Type: fmt.Sprintf("p%d", i), Port: int64(7000 - i), Protocol: "udp"})
	}
	steps := []testenv.Step{argo(static), testenv.Do{What: "a reconcile", Func: anyReconcile(adapters...)}}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		shuffled := slices.Clone(adapters)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		steps = append(steps, testenv.Do{What: "a reconcile", Func: anyReconcile(shuffled...)}, testenv.Expect{Change: testenv.NothingChanged})
	}
	story(steps...).Run(t, testenv.Shared(t))
}

func TestOneWritePerChange(t *testing.T) {
	t.Parallel()
	both := []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"}
	for name, c := range map[string]struct {
		reconcile reconcile
		ports     []string
		live      []string
	}{
		"renumbering": {
			wanting(at(nfs, 12050), smb),
			[]string{"adapter-nfs 12050/TCP Owned portside/Apply", ownedSMB, "adapter-nfs 12049/TCP Removed"},
			[]string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12050/TCP"},
		},
		"swapping two numbers": {
			wanting(at(nfs, 1445), at(smb, 12049)),
			[]string{"adapter-nfs 1445/TCP Owned portside/Apply", "adapter-smb 12049/TCP Owned portside/Apply"},
			[]string{"api:8080/TCP", "adapter-nfs:1445/TCP", "adapter-smb:12049/TCP"},
		},
		"replacing all": {
			wanting(apply.Adapter{Type: "ftp", Port: 2121}),
			[]string{"adapter-ftp 2121/TCP Owned portside/Apply", "adapter-smb 1445/TCP Removed", "adapter-nfs 12049/TCP Removed"},
			[]string{"api:8080/TCP", "adapter-ftp:2121/TCP"},
		},
		"another protocol": {
			wanting(apply.Adapter{Type: "nfs", Port: 12049, Protocol: "UDP"}, smb),
			[]string{"adapter-nfs 12049/UDP Owned portside/Apply", ownedSMB, "adapter-nfs 12049/TCP Removed"},
			[]string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/UDP"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
				testenv.Expect{Ports: both},
				c.reconcile.costing("GET 1, APPLY 1").is(apply.Applied, c.ports...),
				testenv.Expect{Change: testenv.SpecChanged, Ports: c.live},
				argo(static),
				testenv.Expect{Change: testenv.NothingChanged},
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestOtherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []workload.Kind{workload.Deployment, workload.DaemonSet} {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			of := func(p reconcile, outcome apply.Outcome, ports ...string) testenv.Do {
				p.kind = kind
				return p.is(outcome, ports...)
			}
			own := func(ports string) testenv.Apply { return by(testenv.ArgoCD, declared(kind, ports)) }
			scenario := story(
				of(wanting(nfs), apply.TargetNotFound),
				own("[{name: api, containerPort: 8080}, {name: smb, containerPort: 1445}]"),
				of(wanting(nfs, smb), apply.Applied, ownedNFS, // rows 1 and 6
					`adapter-smb 1445/TCP Shadowed argocd-controller/Apply: 1445/TCP is declared by argocd-controller (Apply) as "smb"`),
				testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "smb:1445/TCP", "adapter-nfs:12049/TCP"}},
				own("[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 445}]"),
				of(wanting(nfs, smb), apply.Unchanged, ownedNFS, // rows 2 and 9
					"adapter-smb 1445/TCP Blocked: the name adapter-smb is held by argocd-controller (Apply) on 445/TCP; rename port 445/TCP in argocd-controller's manifest"),
				testenv.Expect{Change: testenv.NothingChanged},
				own("[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"),
				of(wanting(nfs, smb), apply.Applied, // row 4
					"adapter-nfs 12049/TCP Shared argocd-controller/Apply portside/Apply: also declared by argocd-controller (Apply)", ownedSMB),
				of(wanting(), apply.Applied, "adapter-smb 1445/TCP Removed"),
				testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
			)
			scenario.Kind = kind.Kind
			scenario.Run(t, testenv.Shared(t))
		})
	}
}

func TestOurEntry(t *testing.T) {
	t.Parallel()
	const container = `.spec.template.spec.containers[name="dittofs"]`
	const port = container + `.ports[containerPort=12049,protocol="TCP"]`
	holds := func(want ...string) testenv.Do {
		return testenv.Do{What: "our entry", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			live, err := cp.Manager("testenv").Get(ctx, "StatefulSet", namespace, dittofs)
			if err != nil {
				return err
			}
			fieldmanagertest.ExpectOwned(t, live, testenv.Portside, want...)
			return nil
		}}
	}
	whole := []string{container, container + ".name", port, port + ".containerPort", port + ".name", port + ".protocol"}
	story(argo(static), holds(),
		wanting(nfs).is(apply.Applied, ownedNFS), holds(whole...),
		edits(testenv.KubectlEdit, `[{"op":"add","path":"/spec/template/spec/containers/0/ports/1/hostPort","value":22049}]`),
		wanting(nfs).is(apply.Unchanged, ownedNFS), holds(whole...),
		// The leaf that another owns does not keep our port (fact 5).
		wanting().is(apply.Applied, "adapter-nfs 12049/TCP Removed"), holds(),
		testenv.Expect{Ports: []string{"api:8080/TCP"}},
	).Run(t, testenv.Shared(t))
}

func TestKubectlReplace(t *testing.T) {
	t.Parallel()
	// Our entry still has the container's key; the ports are added again.
	replace := updates(testenv.KubectlReplace, static)
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS), replace,
		testenv.Expect{Ports: []string{"api:8080/TCP"}, Owners: map[string][]string{"": {argoApply, usApply}}},
		wanting(nfs).is(apply.Applied, ownedNFS),
		testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
		replace,
		wanting().is(apply.Applied),
		testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"": {argoApply}}},
	).Run(t, testenv.Shared(t))
}

func TestPaused(t *testing.T) {
	t.Parallel()
	pause := edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/paused":"true"}}]`)
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS), pause,
		wanting(smb).costing("GET 1, APPLY 0").is(apply.Paused,
			"adapter-smb 1445/TCP Blocked: the annotation portside.dev/paused stops every write to the workload"),
		wanting(nfs).costing("GET 1, APPLY 0").is(apply.Paused, ownedNFS),
		testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
		edits(testenv.KubectlEdit, `[{"op":"remove","path":"/metadata/annotations"}]`),
		wanting(smb).is(apply.Applied, ownedSMB, "adapter-nfs 12049/TCP Removed"),
	).Run(t, testenv.Shared(t))
}

func TestHostNetwork(t *testing.T) {
	t.Parallel()
	host := testenv.Update{Manager: testenv.KubectlEdit, Mutate: func(w *unstructured.Unstructured) {
		_ = unstructured.SetNestedField(w.Object, true, "spec", "template", "spec", "hostNetwork")
	}}
	annotation := func(value string) testenv.Patch {
		return edits(testenv.KubectlEdit, `[{"op":"add","path":"/metadata/annotations","value":{"portside.dev/allow-host-network":"`+value+`"}}]`)
	}
	const blocked = "adapter-nfs 12049/TCP Blocked: the pod template has hostNetwork: true, so the number would be reserved on the node"
	allowed := wanting(nfs)
	allowed.host = true
	// Both must allow it; no request is sent otherwise.
	story(argo(static), host,
		wanting(nfs).costing("GET 1, APPLY 0").is(apply.Unchanged, blocked),
		allowed.costing("GET 1, APPLY 0").is(apply.Unchanged, blocked),
		annotation("yes"), allowed.costing("GET 1, APPLY 0").is(apply.Unchanged, blocked),
		annotation("true"), wanting(nfs).costing("GET 1, APPLY 0").is(apply.Unchanged, blocked),
		testenv.Expect{Ports: []string{"api:8080/TCP"}},
		allowed.is(apply.Applied, ownedNFS), testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
		// A port that is live is removed once it is not allowed any more.
		wanting(nfs).is(apply.Applied, blocked, "adapter-nfs 12049/TCP Removed"),
		testenv.Expect{Ports: []string{"api:8080/TCP"}},
		allowed.is(apply.Applied, ownedNFS),
		annotation("false"), allowed.is(apply.Applied, blocked, "adapter-nfs 12049/TCP Removed"),
		testenv.Expect{Ports: []string{"api:8080/TCP"}},
	).Run(t, testenv.Shared(t))
}

// TestDryRun returns the result of the apply that follows, and stores nothing: also where
// two requests are needed, of which only the first can be a dry run.
func TestDryRun(t *testing.T) {
	t.Parallel()
	twice := func(p reconcile, live []string, outcome apply.Outcome, ports ...string) []testenv.Step {
		return []testenv.Step{
			p.foreseeing(live...).is(outcome, ports...), testenv.Expect{Change: testenv.NothingChanged},
			p.is(outcome, ports...), testenv.Expect{Ports: live},
		}
	}
	for name, steps := range map[string][]testenv.Step{
		"no change": slices.Concat([]testenv.Step{argo(static), wanting(nfs).is(apply.Applied, ownedNFS)},
			twice(wanting(nfs), []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}, apply.Unchanged, ownedNFS)),
		"a change": slices.Concat([]testenv.Step{argo(static), wanting(nfs).is(apply.Applied, ownedNFS)},
			twice(wanting(smb), []string{"api:8080/TCP", "adapter-smb:1445/TCP"}, apply.Applied, ownedSMB, "adapter-nfs 12049/TCP Removed")),
		"row 9": slices.Concat([]testenv.Step{argo("[{name: adapter-nfs, containerPort: 2049}]")},
			twice(wanting(nfs, smb), []string{"adapter-nfs:2049/TCP", "adapter-smb:1445/TCP"}, apply.Applied,
				"adapter-nfs 12049/TCP Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 2049/TCP; rename port 2049/TCP in argocd-controller's manifest", ownedSMB)),
		"row 10": slices.Concat([]testenv.Step{argo(static), wanting(smb).is(apply.Applied, ownedSMB), orphan("[{name: adapter-nfs, containerPort: 12049}]")},
			twice(wanting(at(nfs, 12050), smb), []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12050/TCP"}, apply.Applied,
				"adapter-nfs 12050/TCP Owned portside/Apply", ownedSMB)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}
