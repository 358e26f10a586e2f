package velero_test

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/velero"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

var nfs, smb = compat.Adapter("nfs", 12049), compat.Adapter("smb", 1445)

// git syncs a commit of the site's kind by server-side apply with force.
func git(s *compat.Site, c compat.Commit) {
	s.Helper()
	c.Kind = s.Kind
	_, err := s.Manager(testenv.ArgoCD).In(s.Namespace).ForceApply(s.Context(), c.Manifest())
	compat.Must(s, err)
}

// backedUp returns a site with Git's ports and that of the adapter nfs, and its backup.
func backedUp(t *testing.T, kind string) (*compat.Site, *unstructured.Unstructured) {
	t.Helper()
	s := compat.NewSite(t, testenv.Shared(t))
	s.Kind = kind
	git(s, compat.First())
	s.Reconcile(nfs)
	return s, s.Live()
}

// restored returns a site that was deleted and restored.
func restored(t *testing.T, kind string, r velero.Restore) (*compat.Site, *unstructured.Unstructured) {
	t.Helper()
	s, backup := backedUp(t, kind)
	s.Manager("testenv").MustDelete(t, kind, s.Namespace, compat.Name)
	compat.Must(t, r.Create(s, backup))
	return s, backup
}

// write writes the row of a restore.
func write(s *compat.Site, mode, set, ports, restarts string) {
	s.Helper()
	if s.Kind == compat.ServiceKind {
		mode = "Service: " + mode
	}
	compat.Must(s, compat.Event("Velero-like", mode, set, ports, restarts).Write())
}

// TestEvents restores a deleted object. Its pods start in any case.
func TestEvents(t *testing.T) {
	t.Parallel()
	const (
		nodePorts = "--preserve-nodeports (otherwise the API server allocates node ports again, with or without portside, but for those that a manager declares)"
		adopt     = "run portside adopt --from velero-server; once all owners have applied, remove velero-server's entry from metadata.managedFields (otherwise Git cannot drop a port)"
	)
	for _, test := range []struct {
		kind, mode string
		restore    velero.Restore
		ports, set string
	}{
		{compat.Kind, "restore", velero.Restore{}, "no", ""},
		{compat.Kind, "restore without managedFields (before Velero 1.11)", velero.Restore{DropManagedFields: true}, "no", adopt},
		{compat.ServiceKind, "restore", velero.Restore{}, "moves the node port of adapter-nfs", nodePorts},
		{compat.ServiceKind, "restore with --preserve-nodeports", velero.Restore{PreserveNodePorts: true}, "no", ""},
		{
			compat.ServiceKind, "restore with --preserve-nodeports, without managedFields (before Velero 1.11)",
			velero.Restore{PreserveNodePorts: true, DropManagedFields: true}, "no", adopt,
		},
	} {
		t.Run(test.kind+", "+test.mode, func(t *testing.T) {
			t.Parallel()
			s, backup := restored(t, test.kind, test.restore)
			ports, _ := s.Effect(backup)
			if ports != test.ports {
				t.Errorf("the restore changed our ports: %s, want %s", ports, test.ports)
			}
			if test.restore.DropManagedFields {
				expectShared(s)
			} else if result := s.Reconcile(nfs); result.Outcome != apply.Unchanged {
				t.Errorf("the reconcile after the restore is %s", result.Outcome)
			}
			git(s, compat.First())
			s.ExpectOwner("12049/TCP", testenv.Portside)
			if !test.restore.DropManagedFields {
				s.ExpectOwner("8080/TCP", testenv.ArgoCD)
			}
			s.Reconcile() // the adapter is inactive
			s.ExpectNames("api", "metrics")
			write(s, test.mode, test.set, ports, compat.NotAsked)
		})
	}
}

// expectShared expects that our port is Shared by Velero, stays when its adapter becomes
// inactive, and is ours alone once it was adopted, as the warning advises.
func expectShared(s *compat.Site) {
	s.Helper()
	result := s.Reconcile(nfs)
	if state := compat.State(result, "nfs"); state != "Shared by "+velero.Manager {
		s.Errorf("after the restore the port is %s", state)
	}
	if w := result.Warnings; len(w) != 1 || w[0].Reason != advice.WritesToo || w[0].Manager.Name != velero.Manager {
		s.Errorf("the warnings are %v", w)
	}
	s.Reconcile()
	s.ExpectNames("api", "metrics", "adapter-nfs")
	if result := s.Adopt(velero.Manager); result.Outcome != apply.Applied {
		s.Errorf("the adoption is %s", result.Outcome)
	}
	if result := s.Reconcile(nfs); compat.State(result, "nfs") != "Owned" || len(result.Warnings) > 0 {
		s.Errorf("once adopted, the port is %s, with the warnings %v", compat.State(result, "nfs"), result.Warnings)
	}
}

// TestEvents_update restores over an existing object, whose active adapter is another
// one than in the backup. Velero owns the port that it brings back, as a kubectl rollout
// undo does. Adoption makes it portside's, which removes it.
func TestEvents_update(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, backup := backedUp(t, kind)
			s.Reconcile(smb)
			before := s.Live()
			compat.Must(t, velero.Restore{PreserveNodePorts: true}.Update(s, backup))
			s.ExpectNames("api", "metrics", "adapter-nfs")
			_, restarts := s.Effect(before)
			s.Reconcile(smb)
			git(s, compat.First())
			s.ExpectNames("api", "metrics", "adapter-nfs", "adapter-smb")
			s.Adopt(velero.Manager)
			s.Reconcile(smb)
			s.ExpectNames("api", "metrics", "adapter-smb")
			s.ExpectOwner("8080/TCP", testenv.ArgoCD)
			write(s, "restore over the existing object (existingResourcePolicy: update)",
				"run portside adopt --from velero-server afterwards (otherwise adapter ports of the backup stay)",
				"brings back those of the backup", restarts)
		})
	}
}

// TestRestore_nodePort: a node port that the AdapterSet declares is restored.
func TestRestore_nodePort(t *testing.T) {
	t.Parallel()
	s, backup := backedUp(t, compat.ServiceKind)
	declared := testenv.NodePorts(backup)
	s.DeclareNodePort(nfs, declared["adapter-nfs"])
	backup = s.Live()
	s.Manager("testenv").MustDelete(t, s.Kind, s.Namespace, compat.Name)
	compat.Must(t, velero.Restore{}.Create(s, backup))
	now := testenv.NodePorts(s.Live())
	if now["adapter-nfs"] != declared["adapter-nfs"] || now["api"] == declared["api"] {
		t.Errorf("the node ports were %v and are %v", declared, now)
	}
	s.ExpectOwner("12049/TCP", testenv.Portside)
}

// TestRestore_dropped: where managedFields were dropped, Git cannot drop a port before
// Velero's entry is removed, by hand or by the migration of the tool that applies.
// portside's ports then need no adoption, if portside has reconciled before.
func TestRestore_dropped(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		for _, removed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, entry removed: %t", kind, removed), func(t *testing.T) {
				t.Parallel()
				s, _ := restored(t, kind, velero.Restore{DropManagedFields: true})
				s.Reconcile(nfs)
				git(s, compat.First())
				want := []string{"api", "metrics", "adapter-nfs"}
				if removed {
					removeEntry(s)
					want = []string{"api", "adapter-nfs"}
				}
				git(s, compat.First().With(compat.First().Ports[0]))
				s.ExpectNames(want...)
				if removed {
					s.ExpectOwner("12049/TCP", testenv.Portside)
				}
			})
		}
	}
}

// removeEntry removes Velero's entry from managedFields.
func removeEntry(s *compat.Site) {
	s.Helper()
	index := slices.IndexFunc(s.Live().GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == velero.Manager && e.Operation == metav1.ManagedFieldsOperationUpdate
	})
	s.Manager("testenv").MustPatch(s, s.Kind, s.Namespace, compat.Name, types.JSONPatchType,
		fmt.Appendf(nil, `[{"op": "remove", "path": "/metadata/managedFields/%d"}]`, index))
}
