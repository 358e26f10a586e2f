package argocd_test

import (
	"slices"
	"strings"
	"testing"

	syncommon "github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/v3/common"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// synced is a sync of a commit with the manager that the next reconciliation warns
// of.
type synced struct {
	setup  setup
	commit compat.Commit
	warns  string
}

// TestReplaceWarnings: a reconciliation warns if Argo CD syncs with Replace=true,
// and no longer once Argo CD applies. After server-side apply, Replace=true is seen
// only when the image changes: a sync that changes nothing else leaves no trace.
func TestReplaceWarnings(t *testing.T) {
	t.Parallel()
	v1, v2, v3 := compat.First(), compat.First(), compat.First()
	v2.Image, v3.Image = "dittofs:v2", "dittofs:v3"
	for name, syncs := range map[string][]synced{
		"client-side apply":                       {{clientSide(), v1, ""}, {clientSide(), v2, ""}},
		"client-side apply, server-side diff":     {{clientSideServerDiff(), v1, ""}, {clientSideServerDiff(), v2, ""}},
		"server-side apply":                       {{serverSide(), v1, ""}, {serverSide(), v2, ""}},
		"server-side apply after client-side":     {{clientSide(), v1, ""}, {serverSide(), v1, ""}, {serverSide(), v2, ""}},
		"Replace=true":                            {{replace(), v1, replacer}, {replace(), v1, replacer}, {replace(), v2, replacer}},
		"Replace=true, server-side diff":          {{replaceServerDiff(), v1, replacer}, {replaceServerDiff(), v2, replacer}},
		"Replace=true after client-side apply":    {{clientSide(), v1, ""}, {replace(), v1, testenv.ArgoCD}, {replace(), v2, replacer}},
		"Replace=true after server-side apply":    {{serverSide(), v1, ""}, {replace(), v1, ""}, {replace(), v2, replacer}, {serverSide(), v2, ""}},
		"back to client-side apply":               {{replace(), v1, replacer}, {clientSide(), v1, ""}, {clientSide(), v2, ""}, {replace(), v2, replacer}},
		"on to server-side apply":                 {{replace(), v1, replacer}, {serverSide(), v1, ""}, {serverSide(), v2, ""}},
		"all three":                               {{clientSide(), v1, ""}, {replace(), v2, replacer}, {clientSide(), v2, ""}, {serverSide(), v2, ""}, {serverSide(), v3, ""}},
		"server-side apply, and Git has the port": {{replace(), v1.And(compat.Port{Name: "adapter-nfs", Number: 12049}), ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			for i, sync := range syncs {
				compat.Must(t, sync.setup.mode(t).Sync(s, sync.commit))
				for _, when := range []string{"first", "second"} {
					if got := warnsOf(s); got != sync.warns {
						t.Errorf("after sync %d (%s) the %s reconciliation warns of %q, want %q", i, sync.setup.name, when, got, sync.warns)
					}
				}
			}
		})
	}
}

// warnsOf reconciles and returns the managers that it warns of because they replace the object.
func warnsOf(s *compat.Site) string {
	s.Helper()
	var of []string
	for _, w := range s.Reconcile(compat.Adapter("nfs", 12049)).Warnings {
		if w.Reason == advice.ReplacesAll {
			of = append(of, w.Manager.Name)
		}
	}
	return strings.Join(of, ", ")
}

// TestReplaceWarnings_objectAnnotation: the option may be an annotation of the
// object in Git too.
func TestReplaceWarnings_objectAnnotation(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	for _, sync := range []struct{ annotations, warns string }{
		{"{}", ""},
		{syncommon.AnnotationSyncOptions + ": " + syncommon.SyncOptionReplace, replacer},
		{"{}", ""},
	} {
		annotations := "{" + strings.Trim(sync.annotations, "{}") + "}"
		manifest := strings.Replace(compat.First().Manifest(), "metadata:\n", "metadata:\n  annotations: "+annotations+"\n", 1)
		d, err := deploy(s, serverSide().definition(t), manifest)
		compat.Must(t, err)
		compat.Must(t, d.sync())
		if got := warnsOf(s); got != sync.warns {
			t.Errorf("with the annotations %s a reconciliation warns of %q, want %q", annotations, got, sync.warns)
		}
	}
}

// TestReplaceWarnings_remedy follows the warning: our ports stay, and Git can then
// renumber and drop what was replaced before.
func TestReplaceWarnings_remedy(t *testing.T) {
	t.Parallel()
	for name, before := range map[string][]setup{"from the first sync on": {replace()}, "after client-side apply": {clientSide(), replace()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			for _, u := range before {
				compat.Must(t, u.mode(t).Sync(s, compat.First()))
			}
			warnings := s.Reconcile(compat.Adapter("nfs", 12049)).Warnings
			if len(warnings) != 1 {
				t.Fatalf("%d warnings: %v", len(warnings), warnings)
			}
			to := serverSide().definition(t)
			set := common.AnnotationClientSideApplyMigrationManager + ": " + warnings[0].Manager.Name
			for _, part := range []string{syncommon.SyncOptionReplace, set, syncommon.AnnotationSyncOptions} {
				if !strings.Contains(warnings[0].Message, part) {
					t.Errorf("no %q in: %s", part, warnings[0].Message)
				}
			}
			for _, option := range to.Spec.SyncPolicy.SyncOptions {
				if option == "ServerSideApply=true" && !strings.Contains(warnings[0].Message, option) {
					t.Errorf("no %q in: %s", option, warnings[0].Message)
				}
			}
			to.Annotations[common.AnnotationClientSideApplyMigrationManager] = warnings[0].Manager.Name
			generation := s.Live().GetGeneration()
			compat.Must(t, syncs(to)(s, compat.First()))
			if got := warnsOf(s); got != "" || s.Live().GetGeneration() != generation {
				t.Errorf("after the move a reconciliation warns of %q, and the template changed %d times", got, s.Live().GetGeneration()-generation)
			}
			compat.Must(t, syncs(to)(s, moved()))
			if got := compat.Adapters(s.Live()); !slices.Equal(got, []string{liveNFS}) {
				t.Errorf("the adapter ports are %q", got)
			}
			s.ExpectPorts("api:8081/TCP", "nfs-udp:12049/UDP", liveNFS)
		})
	}
}
