package helmrelease_test

import (
	"slices"
	"strings"
	"testing"

	v2 "github.com/fluxcd/helm-controller/api/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

func serverSide(t *testing.T) compat.Mode {
	t.Helper()
	object := example(t)
	forced := object.DeepCopy()
	forced.Spec.Upgrade.Force = true
	return compat.Mode{
		Tool: "Flux", Mode: "HelmRelease (server-side apply, drift detection)",
		Set:  "run portside release before the container is renamed",
		Sync: syncs(object), Compare: compares(object),
		Replace: syncs(forced), Switch: "upgrade.force: true",
		Forces: true,
	}
}

func clientSide(t *testing.T) compat.Mode {
	t.Helper()
	object := example(t)
	object.Spec.Upgrade.ServerSideApply = v2.ServerSideApplyDisabled
	forced := object.DeepCopy()
	forced.Spec.Upgrade.Force = true
	return compat.Mode{
		Tool: "Flux", Mode: "HelmRelease (serverSideApply: disabled, drift detection)",
		Set:  "serverSideApply: enabled (otherwise leave adapter ports, and their numbers with another protocol, out of the values, write an empty list of ports rather than no list, and do not set upgrade.force)",
		Sync: syncs(object), Compare: compares(object),
		Replace: syncs(forced), Switch: "upgrade.force: true",
		Forces: true, ByNumber: true,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{serverSide(t), compat.ServerSide(manager).
			Replaced("upgrade.force: true: leaves them (with a renamed container: refused: adapter ports would stay in a container without an image)")},
		{clientSide(t), compat.ClientSide().Replaced("upgrade.force: true: removes them")},
	} {
		t.Run(test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.Check(t, test.want)
		})
	}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	for _, mode := range []compat.Mode{serverSide(t), clientSide(t)} {
		t.Run(mode.Mode, func(t *testing.T) {
			t.Parallel()
			mode.History(t)
		})
	}
}

// TestDriftIsCorrected: a static port that was changed by hand is drift and is
// corrected, and our ports stay.
func TestDriftIsCorrected(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m, object := serverSide(t), example(t)
	compat.Must(t, m.Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	want := compat.Ports(s.Live())
	_, err := s.Manager(testenv.KubectlEdit).Update(t.Context(), compat.Kind, s.Namespace, compat.Name, func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, compat.Name, `[{name: edited, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP},
		  {name: adapter-nfs, containerPort: 12049, protocol: TCP}]`)
	})
	compat.Must(t, err)
	if inSync, err := m.Compare(s, compat.First()); err != nil || inSync {
		t.Errorf("a static port was renamed by hand: in sync %t, %v", inSync, err)
	}
	compat.Must(t, correct(s, object))
	if got := compat.Ports(s.Live()); !slices.Equal(got, want) {
		t.Errorf("corrected, the ports are %q, want %q", got, want)
	}
	if result := s.Reconcile(compat.Adapter("nfs", 12049)); result.Outcome != apply.Unchanged {
		t.Errorf("the reconciliation after it is %s", result.Outcome)
	}
}

// TestRefusals expects the object and the field in the error that Helm gives the
// controller.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m := serverSide(t)
	compat.Must(t, m.Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	err := m.Sync(s, compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12050}))
	if err == nil {
		t.Fatal("an adapter's name was not refused")
	}
	for _, part := range []string{"HelmRelease dittofs", `StatefulSet.apps "dittofs" is invalid`, `ports[3].name: Duplicate value: "adapter-nfs"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
}

// TestMoved shows that serverSideApply: enabled solves the problems of client-side
// apply.
func TestMoved(t *testing.T) {
	t.Parallel()
	m := serverSide(t)
	m.Replace = nil
	m.CheckAfter(t, clientSide(t), compat.ServerSide(manager))
}
