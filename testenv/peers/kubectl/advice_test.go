package kubectl_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestMoveToServerSide syncs a workload by server-side apply that was written by
// client-side apply or replace. The move itself changes no port and solves the
// problems of before.
func TestMoveToServerSide(t *testing.T) {
	t.Parallel()
	for _, from := range []compat.Mode{clientSide(), replace()} {
		t.Run(from.Mode, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, from.Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			before := s.Live()

			to := serverSideForced()
			for range 3 {
				compat.Must(t, to.Sync(s, compat.First()))
				s.Reconcile(compat.Adapter("nfs", 12049))
			}
			if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
				t.Errorf("the move changed the template: %q", compat.Ports(after))
			}
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:12049/TCP")

			compat.Must(t, to.Sync(s, compat.First().And(compat.Port{Name: "nfs-udp", Number: 12049, Protocol: "UDP"})))
			s.Reconcile(compat.Adapter("nfs", 12049))
			s.ExpectPorts("adapter-nfs:12049/TCP", "api:8080/TCP", "metrics:9090/TCP", "nfs-udp:12049/UDP")
		})
	}
}

// removeUpdates removes kubectl's Update entries from managedFields.
func removeUpdates(s *compat.Site) error {
	var patch []string
	for i, entry := range slices.Backward(s.Live().GetManagedFields()) {
		if strings.HasPrefix(entry.Manager, tool) && entry.Operation == metav1.ManagedFieldsOperationUpdate {
			patch = append(patch, fmt.Sprintf(`{"op": "remove", "path": "/metadata/managedFields/%d"}`, i))
		}
	}
	return kubectl("patch", workload, "--type=json", "--patch=["+strings.Join(patch, ",")+"]")(s)
}

// TestForce_takesTheNumber: --force-conflicts takes the number of an adapter port,
// which a conflict refuses, and the port is Git's from then on.
func TestForce_takesTheNumber(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	taking := compat.First().And(compat.Port{Name: "nfs", Number: 12049})
	compat.Must(t, serverSide().Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	if err := serverSide().Sync(s, taking); err == nil {
		t.Error("not refused without force")
	}
	compat.Must(t, serverSideForced().Sync(s, taking))
	if state := compat.State(s.Reconcile(compat.Adapter("nfs", 12049)), "nfs"); state != "Shadowed by kubectl" {
		t.Errorf("the adapter is %s", state)
	}
	compat.Must(t, serverSide().Sync(s, taking)) // from now on without force
	s.Reconcile()
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "nfs:12049/TCP")
}

// TestMoved asks all questions again after the move. Git cannot drop what create
// and replace wrote until their entries are removed.
func TestMoved(t *testing.T) {
	t.Parallel()
	replaced := replace()
	replaced.Sync = func(s *compat.Site, c compat.Commit) error {
		return errors.Join(replace().Sync(s, c), serverSideForced().Sync(s, c), removeUpdates(s))
	}
	for _, from := range []compat.Mode{clientSide(), replaced} {
		t.Run(from.Mode, func(t *testing.T) {
			t.Parallel()
			serverSideForced().CheckAfter(t, from, compat.ServerSide(tool))
		})
	}
}
