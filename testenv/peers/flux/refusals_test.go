package flux_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestRefusals expects the object and the field in what Flux writes to the
// Kustomization's status.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	m := mode(t)
	compat.Must(t, m.Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	renamed := compat.First()
	renamed.Container = "server"
	object := "StatefulSet/" + s.Namespace + "/dittofs dry-run failed (Invalid)"
	for name, test := range map[string]struct {
		commit compat.Commit
		field  string
	}{
		"an adapter's name":              {compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12050}), `spec.template.spec.containers[0].ports[3].name: Duplicate value: "adapter-nfs"`},
		"another name for the container": {renamed, "spec.template.spec.containers[0].image: Required value"},
	} {
		err := m.Sync(s, test.commit)
		if err == nil {
			t.Errorf("%s: not refused", name)
			continue
		}
		for _, part := range []string{"Kustomization dittofs", object, test.field} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in: %v", name, part, err)
			}
		}
	}
}
