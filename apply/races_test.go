package apply_test

import (
	"context"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// Races: something happens between the observation and the first write of a reconcile.

// argoMeanwhile applies the workload as Argo CD in between.
func argoMeanwhile(ports string) func(context.Context, *testenv.ControlPlane, string) error {
	return meanwhile(declared(workload.StatefulSet, ports))
}

func meanwhile(object any) func(context.Context, *testenv.ControlPlane, string) error {
	return func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		_, err := cp.Manager(testenv.ArgoCD).In(namespace).ForceApply(ctx, object)
		return err
	}
}

func TestRace_NamedStaticPort(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
	story(argo(static),
		wanting(nfs, smb).after(argoMeanwhile(theirs)).costing("GET 1, APPLY 2").is(apply.Applied,
			`adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply) as "nfs"`, ownedSMB),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-smb:1445/TCP"},
			Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}},
		},
		argo(theirs), testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

func TestRace_UnnamedStaticPort(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {containerPort: 12049}]"
	story(argo(static),
		wanting(nfs, smb).after(argoMeanwhile(theirs)).costing("GET 1, APPLY 2").is(apply.Applied,
			`adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply) without a name`, ownedSMB),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP", "adapter-smb:1445/TCP", ":12049/TCP"},
			Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {}},
		},
		argo(theirs), testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

func TestRace_ForcedApply(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		wanting(nfs, smb).after(argoMeanwhile(theirs)).is(apply.Applied,
			`adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply) as "nfs"`, ownedSMB),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-smb:1445/TCP"},
			Owners: map[string][]string{"12049/TCP": {argoApply}},
		},
		argo(theirs), testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

func TestRace_NameTaken(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 2049}]"
	story(argo(static),
		wanting(nfs, smb).after(argoMeanwhile(theirs)).costing("GET 1, APPLY 2").is(apply.Applied,
			"adapter-nfs 12049/TCP Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 2049/TCP; rename port 2049/TCP in argocd-controller's manifest", ownedSMB),
		testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:2049/TCP", "adapter-smb:1445/TCP"}},
	).Run(t, testenv.Shared(t))
}

func TestRace_SharedBeforeRenumbering(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		wanting(at(nfs, 12050), smb).after(argoMeanwhile(theirs)).costing("GET 1, APPLY 2").is(apply.Applied,
			"adapter-nfs 12050/TCP Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 12049/TCP; rename port 12049/TCP in argocd-controller's manifest", ownedSMB),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP"},
			Owners: map[string][]string{"12049/TCP": {argoApply}},
		},
		argo(theirs), testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

func TestRace_TargetDeleted(t *testing.T) {
	t.Parallel()
	story(argo(static),
		wanting(nfs).after(remove).costing("GET 2, APPLY 1").is(apply.TargetNotFound),
		testenv.Expect{Gone: true},
	).Run(t, testenv.Shared(t))
}

func TestRace_TargetRecreated(t *testing.T) {
	t.Parallel()
	recreate := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		if err := remove(ctx, cp, namespace); err != nil {
			return err
		}
		return argoMeanwhile("[{name: web, containerPort: 8080}]")(ctx, cp, namespace)
	}
	story(argo(static),
		wanting(nfs).after(recreate).costing("GET 2, APPLY 2").is(apply.Applied, ownedNFS),
		testenv.Expect{Ports: []string{"web:8080/TCP", "adapter-nfs:12049/TCP"}},
	).Run(t, testenv.Shared(t))
}

func TestRace_ContainerRenamed(t *testing.T) {
	t.Parallel()
	renamed := fixture.StatefulSet(dittofs, fixture.Container("server", "api:8080"))
	story(argo(static),
		wanting(nfs).after(meanwhile(renamed)).costing("GET 2, APPLY 2").is(apply.Applied, ownedNFS),
		testenv.Expect{Containers: []string{"server"}},
		by(testenv.ArgoCD, renamed), testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}

// remove deletes the workload and waits until it no longer exists.
func remove(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
	owner := cp.Manager(testenv.ArgoCD)
	if err := owner.Delete(ctx, "StatefulSet", namespace, dittofs); err != nil {
		return err
	}
	if _, err := owner.Get(ctx, "StatefulSet", namespace, dittofs); !apierrors.IsNotFound(err) {
		return fmt.Errorf("the workload is still there: %w", err)
	}
	return nil
}
