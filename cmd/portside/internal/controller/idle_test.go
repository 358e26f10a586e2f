package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// stillLife has the kinds of the workloads of TestUnrelatedChangesSendNothing, by name.
var stillLife = map[string]string{"one": "StatefulSet", "two": "StatefulSet", "three": "Deployment", "four": "DaemonSet"}

// Each of 250 rounds has 10 updates of each of 4 workloads, and a poll of each.
const (
	rounds           = 250
	updatesInOneTurn = 10
)

// TestUnrelatedChangesSendNothing polls 1,000 times without news, and makes 10,000
// updates of fields that are not portside's. The service reads the Secret for each
// poll, renews its Lease, and sends nothing else.
func TestUnrelatedChangesSendNothing(t *testing.T) {
	t.Parallel()
	a := stoppedAsking(t, false)
	server := a.cp.Proxy(t, a.cp.Config(), testenv.ProxyHooks{})
	a.startLeading(t, server.Config(), a.countPolls, func(o *Options) {
		o.Resync = 10 * 365 * 24 * time.Hour // none is due here
	})
	for name, kind := range stillLife {
		a.discover(kind, name, v1alpha1.SchemeHTTP, 1, 25)
	}
	before := map[string]string{}
	for name, kind := range stillLife {
		a.untilCondition(name, "Ready", "True", "InPlace", "the workload declares every desired port")
		a.cp.WaitRolledOut(t, kind, a.ns, name)
	}
	a.polls(2 * len(stillLife)) // of the pods that have the ports
	for name := range stillLife {
		a.untilCondition(name, "Discovered", "True", "Answered", "every ready pod answered")
		a.untilCondition(name, "Reconciling", "False", "AsExpected", "no changes pending")
		before[name] = a.version(name)
	}
	testenv.Eventually(t, "the change of each workload to be reported", func(context.Context) error {
		// One event about all ports of the AdapterSet, and one of the workload; and
		// that the service leads.
		if got, want := server.CountOf(testenv.VerbPost, "events"), 2*len(stillLife)+1; got != want {
			return fmt.Errorf("%d events, not %d", got, want)
		}
		return nil
	})
	a.resetRequests()
	server.Reset()
	asked := a.server.Count(dittofs.AdaptersPath)
	polled := a.ended()

	u := newUpdates(t, a)
	for round := range rounds {
		u.turn(t, round)
		if round%scaleEvery == 0 { // the silence of a pod that ends would be reported
			for name, kind := range stillLife {
				a.cp.WaitRolledOut(t, kind, a.ns, name)
			}
		}
		a.polls(polled + (round+1)*len(stillLife) - a.ended())
	}

	if now := a.server.Count(dittofs.AdaptersPath); now-asked < 1000 {
		t.Errorf("the pods were asked %d times", now-asked)
	}
	expectNoOthers(a, &server.Requests)
	for name := range stillLife {
		if now := a.version(name); now != before[name] {
			t.Errorf("the AdapterSet %s was written: %s, %s before", name, now, before[name])
		}
	}
	a.expectSeen(&server.Requests)
}

// expectNoOthers fails the test unless the API server saw GETs of the Secret that the
// AdapterSets name, renewals of the Lease, and no other requests but the allowed ones.
func expectNoOthers(a *asking, seen *testenv.Requests, allowed ...string) {
	a.Helper()
	secret := fmt.Sprintf("GET /api/v1/namespaces/%s/secrets/files-portside", a.ns)
	lease := fmt.Sprintf("PUT /apis/coordination.k8s.io/v1/namespaces/%s/leases/%s", a.ns, testenv.Portside)
	counts := map[string]int{}
	for _, request := range seen.Except(allowed...) {
		withoutTimeout, _, _ := strings.Cut(request, "?timeout=")
		counts[withoutTimeout]++
	}
	if counts[secret] < 1000 || counts[lease] == 0 {
		a.Errorf("the Secret was read %d times, and the Lease renewed %d times", counts[secret], counts[lease])
	}
	delete(counts, secret)
	delete(counts, lease)
	if len(counts) != 0 {
		a.Errorf("other requests: %v", counts)
	}
}

// expectSeen makes a change of each workload that is reported. Once it is, the service
// has seen every earlier update, and it has cost nothing.
func (a *asking) expectSeen(seen *testenv.Requests) {
	a.Helper()
	for name, kind := range stillLife {
		a.cp.Manager("user").MustPatch(a, kind, a.ns, name, types.MergePatchType,
			[]byte(`{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`))
	}
	for name := range stillLife {
		a.untilCondition(name, "Reconciling", "False", "Paused",
			"the workload has the annotation portside.dev/paused; nothing is written to it")
	}
	expectNoOthers(a, seen, "APPLY adaptersets/status", "POST events")
	if n := seen.CountOf(testenv.VerbApply, "adaptersets/status"); n != len(stillLife) {
		a.Errorf("%d writes of status for %d changes", n, len(stillLife))
	}
}

// updates makes updates of the workloads as another manager.
type updates struct {
	ns     string
	client dynamic.Interface
}

func newUpdates(t *testing.T, a *asking) *updates {
	t.Helper()
	config := rest.CopyConfig(a.cp.Config())
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &updates{a.ns, client}
}

// turn makes the updates of a round, for all workloads at once.
func (u *updates) turn(t *testing.T, round int) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	for name, kind := range stillLife {
		group.Go(func() error {
			for i := range updatesInOneTurn {
				if err := u.update(ctx, kind, name, round, i); err != nil {
					return fmt.Errorf("update %d of %s in round %d: %w", i, name, round, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

var resources = map[string]schema.GroupVersionResource{
	"StatefulSet": {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"Deployment":  {Group: "apps", Version: "v1", Resource: "deployments"},
	"DaemonSet":   {Group: "apps", Version: "v1", Resource: "daemonsets"},
}

// scaleEvery is after how many rounds a workload is scaled.
const scaleEvery = 10

// update changes a label, an annotation, a condition in status, a field of spec or,
// now and then, the replicas.
func (u *updates) update(ctx context.Context, kind, name string, round, i int) error {
	client := u.client.Resource(resources[kind]).Namespace(u.ns)
	patch := func(body string, subresource ...string) (*unstructured.Unstructured, error) {
		return client.Patch(ctx, name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{FieldManager: "user"}, subresource...)
	}
	value := fmt.Sprintf("%d-%d", round, i)
	var err error
	switch {
	case i == 0 && round%scaleEvery == 0 && kind != "DaemonSet":
		_, err = patch(fmt.Sprintf(`{"spec":{"replicas":%d}}`, 2-round/scaleEvery%2))
	case i == updatesInOneTurn-1:
		_, err = patch(fmt.Sprintf(`{"spec":{"revisionHistoryLimit":%d}}`, 5+round%5))
	case i%3 == 0:
		_, err = patch(fmt.Sprintf(`{"metadata":{"labels":{"round":%q}}}`, value))
	case i%3 == 1:
		_, err = patch(fmt.Sprintf(`{"metadata":{"annotations":{"round":%q}}}`, value))
	default:
		_, err = patch(fmt.Sprintf(`{"status":{"conditions":[{"type":"Tested","status":"True","message":%q}]}}`, value), "status")
	}
	return err
}
