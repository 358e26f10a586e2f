package guide_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	guide "github.com/portside-dev/portside/examples/guides/update-to-apply"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/fieldmanager/fieldmanagertest"
)

var (
	peers = fieldmanager.KeyOf("name", "PEERS")
	mode  = guide.Env.At.Item(fieldmanager.KeyOf("name", "MODE"))
)

// members returns the variable that the operator applies. An apply writes the answer of the
// API server into what it is given.
func members() *applycorev1.EnvVarApplyConfiguration {
	return applycorev1.EnvVar().WithName("MEMBERS").WithValue("web-0,web-1")
}

func yamlToJSON(text string) ([]byte, error) { return yaml.YAMLToJSON([]byte(text)) }

func TestReconcile_OwnsMembersOnly(t *testing.T) {
	t.Parallel()
	d := started(t)
	before := d.get(t)
	d.reconcile(t)
	members := guide.Env.At.Claim([]string{"name", "value"}, fieldmanager.KeyOf("name", "MEMBERS"))
	fieldmanagertest.ExpectReconciled(t, before, d.get(t), "peers-operator", members.Paths()...)
}

func TestReconcile_ChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	d := started(t)
	d.reconcile(t)
	first := d.get(t)
	d.reconcile(t)
	if again := d.get(t); again.ResourceVersion != first.ResourceVersion {
		t.Errorf("the second reconcile changed the Deployment: %s", managers(again))
	}
}

// TestHandOver_RetriesAfterAConflict has another client write between the read and the
// patch of the hand-over.
func TestHandOver_RetriesAfterAConflict(t *testing.T) {
	t.Parallel()
	d := started(t)
	var answers []error
	conflicting := interceptor.NewClient(d.client, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if len(answers) == 0 {
				d.patch(t, "kubectl-label", `{metadata: {labels: {tier: web}}}`)
			}
			err := c.Patch(ctx, o, p, opts...)
			answers = append(answers, err)
			return err
		},
	})
	live := d.get(t)
	must(t, guide.HandOver(t.Context(), conflicting, live, guide.FromUpdate, []fieldmanager.Key{peers}, mode))
	if len(answers) != 2 || !apierrors.IsConflict(answers[0]) || answers[1] != nil {
		t.Errorf("the patches were answered %v, want a conflict (409), and then none", answers)
	}
	if after := d.get(t); after.Labels["tier"] != "web" || !strings.Contains(managers(after), "kubectl-label (Update)") {
		t.Errorf("the other client's write is lost: %v, %s", after.Labels, managers(after))
	}
}

// TestHandOver_GivesList has the old release create the list, and then removes its last
// item.
func TestHandOver_GivesList(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		givesList bool
		conflict  string
	}{
		"with":    {true, ""},
		"without": {false, `apply conflict: .spec.template.spec.containers[name="web"].env is owned by peers-operator (Update)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t)
			withoutEnv, _, _ := strings.Cut(blocks(t, "yaml")[0], "        env:")
			d.cp.Manager("helm").In(d.key.Namespace).MustApply(t, withoutEnv)
			d.patch(t, "peers-operator", `{spec: {template: {spec: {containers: [{name: web, env: [{name: PEERS, value: web-0}]}]}}}}`)
			transfer := guide.FromUpdate
			transfer.GivesList = test.givesList
			live := d.get(t)
			must(t, guide.HandOver(t.Context(), d.client, live, transfer, []fieldmanager.Key{peers}))
			_, err := guide.Env.Apply(t.Context(), d.client, live)
			must(t, err)
			_, err = guide.Env.Apply(t.Context(), d.client, d.get(t), members())
			got := ""
			if conflict := fieldmanager.Conflicts(err); conflict != nil {
				got = conflict.Error()
			} else {
				must(t, err)
			}
			if got != test.conflict {
				t.Errorf("the next apply of a variable ends with %q, want %q", got, test.conflict)
			}
		})
	}
}

// TestHandOver_GivesBackTheSpec has an operator give back all that it owns of the spec, as
// the page says, so that Helm can apply it without force.
func TestHandOver_GivesBackTheSpec(t *testing.T) {
	t.Parallel()
	d := started(t)
	helm := d.cp.Manager("helm").In(d.key.Namespace)
	if _, err := helm.Apply(t.Context(), blocks(t, "yaml")[0]); fieldmanager.Conflicts(err) == nil {
		t.Fatalf("before the hand-over Helm's apply ends with %v, want a conflict", err)
	}
	before := d.get(t)
	must(t, guide.HandOver(t.Context(), d.client, d.get(t), guide.FromUpdate, nil, fieldmanager.PathTo("spec")))
	after := d.get(t)
	if env(after) != env(before) || *after.Spec.Replicas != 3 || managers(after) != "helm (Apply)" {
		t.Errorf("after the hand-over: %s, %d replicas, %s", env(after), *after.Spec.Replicas, managers(after))
	}
	helm.MustApply(t, blocks(t, "yaml")[0])
}

// TestApply checks that an item of another manager is left to it, and that nothing is
// created.
func TestApply(t *testing.T) {
	t.Parallel()
	d := started(t)
	taken, err := guide.Env.Apply(t.Context(), d.client, d.get(t), applycorev1.EnvVar().WithName("MODE").WithValue("slow"), members())
	must(t, err)
	if len(taken) != 1 || taken[0] != fieldmanager.KeyOf("name", "MODE") {
		t.Errorf("left out were %v, want MODE", taken)
	}
	gone := d.get(t)
	d.cp.Manager("helm").MustDelete(t, "Deployment", d.key.Namespace, "web")
	if _, err := guide.Env.Apply(t.Context(), d.client, gone, members()); !apierrors.IsConflict(err) {
		t.Errorf("an apply of a Deployment that is gone ends with %v, want a conflict (409)", err)
	}
}

// TestComparison compares the table of the page with what comes of both ways.
func TestComparison(t *testing.T) {
	t.Parallel()
	rows := []string{"| | env | replicas | managers |", "|---|---|---|---|"}
	row := func(name string, live *appsv1.Deployment) {
		rows = append(rows, fmt.Sprintf("| %s | `%s` | %d | %s |", name, env(live), *live.Spec.Replicas, managers(live)))
	}
	d := started(t)
	row("before", d.get(t))
	d.reconcile(t)
	row("`HandOver`, then the apply", d.get(t))
	d = started(t)
	must(t, guide.Upgrade(t.Context(), d.client, d.get(t)))
	_, err := guide.Env.Apply(t.Context(), d.client, d.get(t), members())
	must(t, err)
	row("csaupgrade, then the apply", d.get(t))
	page, err := os.ReadFile("README.md")
	must(t, err)
	if table := strings.Join(rows, "\n"); !strings.Contains(string(page), table) {
		t.Errorf("the page lacks the table\n%s", table)
	}
}

// recorder is a test that keeps what it reports.
type recorder struct{ reported []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.reported = append(r.reported, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// TestFailure compares the failure on the page with one of a reconcile that applies the
// variable without its value, and pauses the Deployment by an Update.
func TestFailure(t *testing.T) {
	t.Parallel()
	d := started(t)
	d.reconcile(t)
	before := d.get(t)
	d.patch(t, "peers-operator", `{spec: {paused: true}}`)
	_, err := guide.Env.Apply(t.Context(), d.client, d.get(t), applycorev1.EnvVar().WithName("MEMBERS"))
	must(t, err)
	var r recorder
	claim := guide.Env.At.Claim([]string{"name", "value"}, fieldmanager.KeyOf("name", "MEMBERS"))
	fieldmanagertest.ExpectReconciled(&r, before, d.get(t), "peers-operator", claim.Paths()...)
	want := strings.TrimSpace(blocks(t, "text")[0])
	if got := strings.ReplaceAll(strings.Join(r.reported, "\n"), d.key.Namespace+"/", "shop/"); got != want {
		t.Errorf("reported is\n%s\nthe page shows\n%s", got, want)
	}
}
