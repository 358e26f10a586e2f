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
		Advice: "Run portside release before the container is renamed",
		Sync:   syncs(object), Compare: compares(object),
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
		Advice: "Set serverSideApply: enabled; else leave the numbers of adapter ports out of values, whatever the protocol, keep an empty list of ports, and no upgrade.force",
		Sync:   syncs(object), Compare: compares(object),
		Replace: syncs(forced), Switch: "upgrade.force: true",
		Forces: true, ByNumber: true,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	const (
		puts     = "removed by hand: portside puts it back (in sync before: yes, after: yes)"
		leftover = "refused: our ports would stay in a container without image"
		again    = "removes our ports, portside adds them again"
	)
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{serverSide(t), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange: "all but: rename the container (" + leftover + ", until portside release)",
			GitDeclaresPort: "Shared (helm-controller); dropped from Git: stays; adapter off: stays until Git drops it; " +
				"renumbered in Git: refused: the adapter's port has the name, until the adapter moves as well (it is Blocked, and Git can move)",
			ReplaceAndSelfHeal: puts + "; upgrade.force: true: leaves our ports; of a renamed container: " + leftover,
		}},
		{clientSide(t), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange: "all but: omit ports (of our ports it leaves none); " +
				"take an adapter's number (with the adapter off, the static ports are api:8080/TCP metrics:9090/TCP); " +
				"take its number for another protocol (of our ports it leaves adapter-smb:1445/TCP)",
			GitDeclaresPort:    "Owned; dropped from Git: goes, portside puts it back; adapter off: goes, the next sync puts it back; renumbered in Git: works",
			ReplaceAndSelfHeal: puts + "; upgrade.force: true: " + again + "; of a renamed container: " + again,
		}},
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

// TestDriftIsCorrected: what somebody changed of the static ports by hand is
// drift and is put right, and our ports beside them stay.
func TestDriftIsCorrected(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m, object := serverSide(t), example(t)
	must(t, m.Sync(s, compat.First()))
	s.Pass(compat.Adapter("nfs", 12049))
	want := compat.Ports(s.Live())
	_, err := s.Manager(testenv.KubectlEdit).Update(t.Context(), compat.Kind, s.Namespace, compat.Name, func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, compat.Name, `[{name: edited, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP},
		  {name: adapter-nfs, containerPort: 12049, protocol: TCP}]`)
	})
	must(t, err)
	if inSync, err := m.Compare(s, compat.First()); err != nil || inSync {
		t.Errorf("a static port was renamed by hand: in sync %t, %v", inSync, err)
	}
	must(t, correct(s, object))
	if got := compat.Ports(s.Live()); !slices.Equal(got, want) {
		t.Errorf("corrected, the ports are %q, not %q", got, want)
	}
	if result := s.Pass(compat.Adapter("nfs", 12049)); result.Outcome != apply.Unchanged {
		t.Errorf("the pass after it is %s", result.Outcome)
	}
}

// TestRefusals: what Helm says to the controller names the object and the field.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m := serverSide(t)
	must(t, m.Sync(s, compat.First()))
	s.Pass(compat.Adapter("nfs", 12049))
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
