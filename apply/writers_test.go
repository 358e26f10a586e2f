package apply_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestOwnerWritesContinuously: an owner changes the object continuously while adapters
// change 200 times. There is no conflict and no retry, and no change is lost.
func TestOwnerWritesContinuously(t *testing.T) {
	t.Parallel()
	const changes = 200
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	owner := cp.Manager(testenv.ArgoCD).In(namespace)
	owner.MustApply(t, declared(workload.StatefulSet, static))
	var requests testenv.Requests
	applier, err := applierFor(requests.Wrap(cp.Config()))
	if err != nil {
		t.Fatal(err)
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}

	group, ctx := errgroup.WithContext(t.Context())
	done := make(chan struct{})
	writes := 0
	group.Go(func() error {
		for writes < 2*changes || !closed(done) {
			writes++
			patch := fmt.Sprintf(`{"spec":{"replicas":%d},"metadata":{"annotations":{"writes":"%d"}}}`, writes%5, writes)
			if _, err := owner.Patch(ctx, "StatefulSet", namespace, dittofs, types.MergePatchType, []byte(patch)); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		defer close(done)
		return changeAdapters(ctx, applier, target, changes)
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if gets, applies := requests.Count(testenv.VerbGet), requests.Count(testenv.VerbApply); gets != changes || applies != changes || requests.Total() != 2*changes {
		t.Errorf("%d reconciles took %s, want one GET and one apply each", changes, &requests)
	}
	live := owner.MustGet(t, "StatefulSet", namespace, dittofs)
	if got := live.GetAnnotations()["writes"]; got != strconv.Itoa(writes) {
		t.Errorf("the owner's last write was %d, the object has %s", writes, got)
	}
	if got := fmt.Sprint(testenv.Ports(live, dittofs)); got != "[api:8080/TCP adapter-nfs:30199/TCP]" {
		t.Errorf("ports %s", got)
	}
}

func changeAdapters(ctx context.Context, applier *apply.Applier, target workload.Target, changes int) error {
	for i := range changes {
		result, err := applier.Apply(ctx, target, apply.Desired{Adapters: []apply.Adapter{at(nfs, int64(30000+i))}})
		if err != nil {
			return fmt.Errorf("reconcile %d: %w", i, err)
		}
		if result.Outcome != apply.Applied || result.Ports[0].State != port.Owned {
			return fmt.Errorf("reconcile %d: %s, ports %q", i, result.Outcome, describe(result.Ports))
		}
	}
	return nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestUnchangedWhileOthersWrite: the outcome is Unchanged also if other managers change the
// object meanwhile.
func TestUnchangedWhileOthersWrite(t *testing.T) {
	t.Parallel()
	scale := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		_, err := cp.Manager(testenv.KubectlEdit).Patch(ctx, "StatefulSet", namespace, dittofs, types.MergePatchType, []byte(`{"spec":{"replicas":7}}`))
		return err
	}
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		wanting(nfs).after(scale).costing("GET 1, APPLY 1").is(apply.Unchanged, ownedNFS),
		testenv.Expect{Change: testenv.SpecChanged},
		wanting(nfs).after(argoMeanwhile("[{name: web, containerPort: 8081}]")).is(apply.Unchanged, ownedNFS),
		testenv.Expect{Ports: []string{"adapter-nfs:12049/TCP", "web:8081/TCP"}},
	).Run(t, testenv.Shared(t))
}
