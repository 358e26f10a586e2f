package apply_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/testenv"
)

// portside does not remove a port that another manager named. Client-side apply names a
// port of ours where its manifest has a static port of that number, since it merges ports
// by number.

const clientSide = "kubectl-client-side-apply"

// merges patches as client-side apply does. ports is a YAML list of ports that it adds,
// changes or, with $patch: delete, removes.
func merges(ports string) testenv.Patch {
	return testenv.Patch{Manager: clientSide, Type: types.StrategicMergePatchType, Data: fmt.Sprintf(
		`{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","ports":%s}]}}}}`, ports)}
}

const (
	clientUpdate = clientSide + "/Update"
	takesNFS     = `[{"containerPort":12049,"name":"web"}]`
	webIsTheirs  = `web 12049/TCP Released ` + clientUpdate + `: ` + clientSide + ` (Update) named it "web", so it stays and belongs to that manager`
	renamedToWeb = `Blocked portside/Apply: ` + clientSide + ` (Update) renamed it to "web"; name it adapter-nfs again to have it back`
)

func theirsNow(change testenv.Change, ports ...string) testenv.Expect {
	return testenv.Expect{Change: change, Ports: ports, Owners: map[string][]string{
		"12049/TCP": {clientUpdate}, "12049/TCP.name": {clientUpdate}, "12049/TCP.containerPort": {clientUpdate}, "12049/TCP.protocol": {clientUpdate},
	}}
}

func TestNamedByAnother(t *testing.T) {
	t.Parallel()
	begin := []testenv.Step{argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB), merges(takesNFS)}
	live := []string{"api:8080/TCP", "adapter-smb:1445/TCP", "web:12049/TCP"}
	without := []string{"api:8080/TCP", "web:12049/TCP"}
	for name, steps := range map[string][]testenv.Step{
		"while its adapter is active it is blocked": {wanting(nfs, smb).is(apply.Unchanged, "adapter-nfs 12049/TCP "+renamedToWeb, ownedSMB)},
		"its adapter ends": {
			wanting(smb).is(apply.Applied, ownedSMB, webIsTheirs), theirsNow(testenv.MetadataChanged, live...),
			wanting(smb).costing("GET 1, APPLY 1").is(apply.Unchanged, ownedSMB),
			wanting(nfs, smb).is(apply.Unchanged, `adapter-nfs 12049/TCP Shadowed `+clientUpdate+`: 12049/TCP is declared by `+clientSide+` (Update) as "web"`, ownedSMB),
		},
		"all adapters end": {
			wanting().is(apply.Applied, "adapter-smb 1445/TCP Removed", webIsTheirs), theirsNow(testenv.SpecChanged, without...), wanting().is(apply.Unchanged),
		},
		"its adapter gets another number": {
			wanting(at(nfs, 12050), smb).is(apply.Applied, "adapter-nfs 12050/TCP Owned portside/Apply", ownedSMB, webIsTheirs),
			theirsNow(testenv.SpecChanged, append(slices.Clone(live), "adapter-nfs:12050/TCP")...),
		},
		"its name is that of the adapter": {
			merges(`[{"containerPort":12049,"name":"adapter-nfs"}]`),
			wanting(at(nfs, 12050), smb).is(apply.Applied,
				"adapter-nfs 12050/TCP Blocked: the name adapter-nfs is held by "+clientSide+" (Update) on 12049/TCP; rename that port", ownedSMB,
				`adapter-nfs 12049/TCP Released `+clientUpdate+`: `+clientSide+` (Update) named it "adapter-nfs", so it stays and belongs to that manager`),
			theirsNow(testenv.MetadataChanged, "api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"),
		},
		"a release": {releasing(false).is(apply.Applied, "adapter-smb 1445/TCP Removed", webIsTheirs), theirsNow(testenv.SpecChanged, without...)},
		"a release that keeps the ports": {
			releasing(true).is(apply.Applied, "adapter-smb 1445/TCP Released", webIsTheirs), theirsNow(testenv.MetadataChanged, live...),
		},
		"its owner removes it before": {merges(`[{"containerPort":12049,"$patch":"delete"}]`), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB)},
		"its owner removes it after": {
			wanting(smb).is(apply.Applied, ownedSMB, webIsTheirs),
			merges(`[{"containerPort":12049,"$patch":"delete"}]`), testenv.Expect{Change: testenv.SpecChanged, Ports: live[:2]},
			wanting(smb).is(apply.Unchanged, ownedSMB), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
		},
		"its owner names it as we do, and we take it back": {
			merges(`[{"containerPort":12049,"name":"adapter-nfs"}]`), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
			wanting(smb).is(apply.Applied, ownedSMB, "adapter-nfs 12049/TCP Removed"),
		},
		"a dry run": {
			wanting(at(nfs, 12050)).foreseeing(append(slices.Clone(without), "adapter-nfs:12050/TCP")...).is(apply.Applied,
				"adapter-nfs 12050/TCP Owned portside/Apply", "adapter-smb 1445/TCP Removed", webIsTheirs),
			testenv.Expect{Change: testenv.NothingChanged, Ports: live},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(append(slices.Clone(begin), steps...)...).Run(t, testenv.Shared(t))
		})
	}
}

func TestNamedByAnother_OtherContainer(t *testing.T) {
	t.Parallel()
	sidecar := wanting(nfs)
	sidecar.container = "sidecar"
	story(by(testenv.ArgoCD, twoContainers), sidecar.is(apply.Applied, ownedNFS),
		edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/0/name","value":"backup"}]`),
		wanting(smb).is(apply.Applied, ownedSMB,
			`backup 12049/TCP Released kubectl-edit/Update: kubectl-edit (Update) named it "backup", so it stays and belongs to that manager`),
		testenv.Expect{Change: testenv.SpecChanged, Containers: []string{"sidecar", dittofs}, Ports: []string{"adapter-smb:1445/TCP"}},
		sidecar.is(apply.Applied, `adapter-nfs 12049/TCP Shadowed kubectl-edit/Update: 12049/TCP is declared by kubectl-edit (Update) as "backup"`,
			"adapter-smb 1445/TCP Removed"),
	).Run(t, testenv.Shared(t))
}

// TestNamedByAnother_LastPort: our entry of the container is removed by a patch, and the
// named port stays.
func TestNamedByAnother_LastPort(t *testing.T) {
	t.Parallel()
	left := theirsNow(testenv.SpecChanged, "api:8080/TCP", "web:12049/TCP")
	for name, end := range map[string]testenv.Do{
		"a reconcile": wanting().is(apply.Applied, "adapter-smb 1445/TCP Removed", webIsTheirs),
		"a release":   releasing(false).is(apply.Applied, "adapter-smb 1445/TCP Removed", webIsTheirs),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB), merges(takesNFS), testenv.Disown{Manager: testenv.ArgoCD},
				end, left, wanting().is(apply.Unchanged),
			).Run(t, testenv.Shared(t))
		})
	}
}

// TestNamedByAnother_StaleObservation: also from an observation before it was named.
func TestNamedByAnother_StaleObservation(t *testing.T) {
	t.Parallel()
	want := wanting(smb).to(apply.Applied, ownedSMB, webIsTheirs)
	left := theirsNow(testenv.MetadataChanged, "api:8080/TCP", "adapter-smb:1445/TCP", "web:12049/TCP")
	begin := []testenv.Step{argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB)}
	for name, steps := range map[string]func(l *observations, reduced bool) []testenv.Step{
		"from after": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{merges(takesNFS), l.keep(), l.applyFrom(reduced, "GET 1, APPLY 1, PATCH 1", want), left}
		},
		"from before": func(l *observations, reduced bool) []testenv.Step {
			return []testenv.Step{l.keep(), merges(takesNFS), l.applyFrom(reduced, "GET 1, APPLY 2, PATCH 1", want), left}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fromObservation(t, func(l *observations, reduced bool) []testenv.Step {
				return append(slices.Clone(begin), steps(l, reduced)...)
			})
		})
	}
}

func TestNamedByAnother_WhileOthersWrite(t *testing.T) {
	t.Parallel()
	scale := func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		_, err := cp.Manager(testenv.KubectlEdit).Patch(ctx, "StatefulSet", namespace, dittofs, types.MergePatchType, []byte(`{"spec":{"replicas":7}}`))
		return err
	}
	story(argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB), merges(takesNFS),
		wanting(smb).after(scale).is(apply.Applied, ownedSMB, webIsTheirs),
		theirsNow(testenv.SpecChanged, "api:8080/TCP", "adapter-smb:1445/TCP", "web:12049/TCP"),
	).Run(t, testenv.Shared(t))
}

// TestNamedByAnother_NameIsTaken: its name is not free for another number, which is decided
// before ownership is transferred.
func TestNamedByAnother_NameIsTaken(t *testing.T) {
	t.Parallel()
	l := &observations{}
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		merges(takesNFS), merges(`[{"containerPort":12049,"name":"adapter-nfs"}]`), l.keep(),
	).Run(t, testenv.Shared(t))
	intent, err := decide(pure, l.kept, apply.Desired{Adapters: []apply.Adapter{at(nfs, 12050)}})
	if err != nil || len(intent.Items) != 0 || intent.Ports[0].State != port.Blocked {
		t.Errorf("it emits %v, ports %q, %v", intent.Items, describe(intent.Ports), err)
	}
}
