package kubectl_test

import (
	"testing"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestReplaceWarnings: a reconciliation warns of kubectl replace once it has
// changed the image or ports, until another apply. What create wrote and a replace
// that changes neither look like any other Update.
func TestReplaceWarnings(t *testing.T) {
	t.Parallel()
	first, image, ports := compat.First(), compat.First(), compat.First().And(compat.Port{Name: "web", Number: 8443})
	image.Image = "dittofs:v2"
	type step struct {
		mode   compat.Mode
		commit compat.Commit
		warns  bool
	}
	for name, steps := range map[string][]step{
		"replace changes the image":           {{replace(), first, false}, {replace(), first, false}, {replace(), image, true}, {replace(), image, true}},
		"replace changes ports":               {{replace(), first, false}, {replace(), ports, true}},
		"replace after server-side apply":     {{serverSide(), first, false}, {replace(), first, false}, {replace(), image, true}},
		"replace after client-side apply":     {{clientSide(), first, false}, {replace(), image, true}},
		"server-side apply after replace":     {{replace(), first, false}, {replace(), image, true}, {serverSideForced(), image, false}, {serverSideForced(), first, false}},
		"client-side apply after replace":     {{replace(), first, false}, {replace(), image, true}, {clientSide(), image, false}, {clientSide(), first, false}},
		"server-side apply":                   {{serverSide(), first, false}, {serverSide(), image, false}},
		"client-side apply":                   {{clientSide(), first, false}, {clientSide(), ports, false}},
		"server-side after client-side apply": {{clientSide(), first, false}, {serverSideForced(), image, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			for i, step := range steps {
				compat.Must(t, step.mode.Sync(s, step.commit))
				warns := false
				for _, w := range s.Reconcile(compat.Adapter("nfs", 12049)).Warnings {
					if w.Reason != advice.ReplacesAll || w.Manager.Name != testenv.KubectlReplace {
						t.Errorf("after sync %d a reconciliation warns: %s", i, w.Message)
					}
					warns = true
				}
				if warns != step.warns {
					t.Errorf("after sync %d (%s) a reconciliation warns: %t, want %t", i, step.mode.Mode, warns, step.warns)
				}
			}
		})
	}
}
