package kubectl_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestRefusals expects that kubectl prints the object and the field. For a conflict
// it prints the field and portside, but not the object.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, serverSide().Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	renamed := compat.First()
	renamed.Container = "server"
	const object = `The StatefulSet "dittofs" is invalid`
	sameName := compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12050})
	for name, test := range map[string]struct {
		mode   compat.Mode
		commit compat.Commit
		parts  []string
	}{
		"an adapter's number": {
			serverSide(), compat.First().And(compat.Port{Name: "nfs", Number: 12049}),
			[]string{`conflict with "portside"`, `.containers[name="dittofs"].ports[containerPort=12049,protocol="TCP"].name`},
		},
		"an adapter's name":                {serverSide(), sameName, []string{object, "containers[0].ports[3].name", `"adapter-nfs"`}},
		"an adapter's name, client side":   {clientSide(), sameName, []string{object, "containers[0].ports[3].name", `"adapter-nfs"`}},
		"another name for the container":   {serverSideForced(), renamed, []string{object, "containers[0].image: Required value"}},
		"two ports with an adapter's name": {replace(), sameName.And(compat.Port{Name: "adapter-nfs", Number: 12049}), []string{object, "ports[3].name"}},
	} {
		err := test.mode.Sync(s, test.commit)
		if err == nil {
			t.Errorf("%s: not refused", name)
			continue
		}
		for _, part := range append(test.parts, tool) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in: %v", name, part, err)
			}
		}
	}
}
