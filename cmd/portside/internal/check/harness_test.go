package check_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// site is a control plane where a test installs portside under a name of its own.
type site struct {
	*testenv.ControlPlane
	t       *testing.T
	options install.Options
}

func newSite(t *testing.T) *site {
	t.Helper()
	cp := testenv.Shared(t)
	workloads, system := cp.Namespace(t), cp.Namespace(t)
	return siteOf(t, cp, install.Options{Namespace: system, FieldManager: system, WatchNamespace: workloads})
}

// installed returns a site where portside is installed and seems to run.
func installed(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.install()
	return s
}

// install applies the manifests and waits until they are in force. No controller
// runs, so the test writes the status of the Deployment and the Lease.
func (s *site) install() {
	s.t.Helper()
	s.apply(func(*unstructured.Unstructured) bool { return true })
	s.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	s.awaitPermission("patch", "apps", "statefulsets", true)
	s.deployment(`{"status":{"replicas":2,"readyReplicas":2}}`)
	s.lease("replica-1", 600, time.Now())
}

// in returns the site for a subtest.
func (s *site) in(t *testing.T) *site {
	sub := *s
	sub.t = t
	return &sub
}

// deployment patches the status of portside's Deployment.
func (s *site) deployment(patch string) {
	s.t.Helper()
	s.kubectl("", "patch", "deployment", "-n", s.options.Namespace, s.options.FieldManager, "--subresource=status", "--type=merge", "-p", patch)
}

// lease stores the Lease of leader election.
func (s *site) lease(holder string, seconds int, renewed time.Time) {
	s.t.Helper()
	s.Manager("leader").In(s.options.Namespace).MustApply(s.t, s.leaseOf(holder, seconds, renewed))
}

func (s *site) leaseOf(holder string, seconds int, renewed time.Time) string {
	return fmt.Sprintf(`{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: %s}, spec: {holderIdentity: %q, leaseDurationSeconds: %d, renewTime: %q}}`,
		s.options.FieldManager, holder, seconds, renewed.UTC().Format(metav1.RFC3339Micro))
}

// everywhere returns a site for an installation that watches all namespaces, in a
// control plane of its own.
func everywhere(t *testing.T) *site {
	t.Helper()
	cp := testenv.Own(t, testenv.Options{})
	return siteOf(t, cp, install.Options{Namespace: "portside-system", FieldManager: "portside"})
}

// withoutLeftover returns the finding, before 1.36, that no leftover policy is installed,
// or that the user may not see whether it is.
func (s *site) withoutLeftover() []string {
	if strings.HasSuffix(s.MutatingPolicies(), "/v1") {
		return nil
	}
	return []string{"Warning Server no leftover policy |; if its feature gate MutatingAdmissionPolicy is on as well, run: portside install | --beta-policies | kubectl apply --server-side -f -"}
}

// siteOf returns a site with every policy that the control plane has.
func siteOf(t *testing.T, cp *testenv.ControlPlane, o install.Options) *site {
	t.Helper()
	o.KubeVersion, o.BetaPolicies = cp.Release(), true
	return &site{cp, t, o}
}

// apply applies the manifests that a function selects.
func (s *site) apply(selects func(*unstructured.Unstructured) bool) {
	s.t.Helper()
	objects, err := install.Manifests(s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := install.YAML(slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return !selects(o) }))
	if err != nil {
		s.t.Fatal(err)
	}
	s.kubectl(string(text), "apply", "--server-side", "-f", "-")
}

func (s *site) kubectl(stdin string, args ...string) {
	s.t.Helper()
	s.MustKubectl(s.t, "", stdin, args...)
}

// awaitPermission waits until the server's authorizer has loaded a change of RBAC.
func (s *site) awaitPermission(verb, group, resource string, want bool) {
	s.t.Helper()
	client, err := kubernetes.NewForConfig(s.Config())
	if err != nil {
		s.t.Fatal(err)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + s.options.Namespace + ":" + s.options.FieldManager,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.options.WatchNamespace, Verb: verb, Group: group, Resource: resource},
	}}
	testenv.Eventually(s.t, fmt.Sprintf("%s %s: %t", verb, resource, want), func(ctx context.Context) error {
		answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err == nil && answer.Status.Allowed != want {
			return fmt.Errorf("allowed: %t", answer.Status.Allowed)
		}
		return err
	})
}

// check runs `portside check` as a user. The test fails unless the exit code fits
// the findings.
func (s *site) check(user *rest.Config) []check.Finding {
	s.t.Helper()
	kubeconfig, err := testenv.KubeconfigOf(user, "")
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		s.t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	root := cmd.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, "test")
	root.SetArgs([]string{"check", "-o", "json", "--kubeconfig", path, "-n", s.options.Namespace,
		"--field-manager", s.options.FieldManager, "--watch-namespace", s.options.WatchNamespace,
		"--services=" + strconv.FormatBool(s.options.Services),
		"--without-policies=" + strconv.FormatBool(s.options.WithoutPolicies),
		"--discovery-namespace=" + strings.Join(s.options.DiscoveryNamespaces, ",")})
	code := cli.Run(s.t.Context(), root)
	var report struct{ Findings []check.Finding }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		s.t.Fatalf("exit code %d: %v\n%s%s", code, err, &out, &errOut)
	}
	want := 0
	if slices.ContainsFunc(report.Findings, func(f check.Finding) bool { return f.State == check.Error }) {
		want = 2
	}
	if code != want {
		s.t.Errorf("exit code %d, want %d:\n%s", code, want, &out)
	}
	return report.Findings
}

// expect compares the findings that are not OK. Each is given by parts of its state,
// check, objects and message, with | between the parts.
func (s *site) expect(want ...string) {
	s.t.Helper()
	s.expectAs(s.Config(), want...)
}

func (s *site) expectAs(user *rest.Config, want ...string) {
	s.t.Helper()
	var got []string
	for _, f := range s.check(user) {
		if f.State != check.OK {
			got = append(got, fmt.Sprintf("%s %s %s", f.State, f.Check, f.Text()))
		}
	}
	if len(got) != len(want) {
		s.t.Errorf("%d findings, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
		return
	}
	for i, parts := range want {
		for part := range strings.SplitSeq(parts, "|") {
			if !strings.Contains(got[i], part) {
				s.t.Errorf("finding %d has no %q:\n%s", i, part, got[i])
			}
		}
	}
}

// owner is the manager of workloads and AdapterSets.
func (s *site) owner() *testenv.Manager {
	return s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace)
}

func (s *site) workload(name string) {
	s.t.Helper()
	s.owner().MustApply(s.t, fixture.StatefulSet(name, fixture.Container("x")))
}

// entry applies a port under portside's field manager.
func (s *site) entry(name string) {
	s.t.Helper()
	s.Manager(s.options.FieldManager).In(s.options.WatchNamespace).MustApply(s.t, fixture.PortsOf("StatefulSet", name, "x", "adapter-nfs:12049/TCP"))
}

// adapterSet creates an AdapterSet that is Ready.
func (s *site) adapterSet(name, target string) {
	s.t.Helper()
	s.readySet(name, target, fixture.Adapters("nfs:12049"))
}

// asking creates an AdapterSet that is Ready and has discovery with credentials.
func (s *site) asking(name, target string) {
	s.t.Helper()
	s.readySet(name, target, fixture.Discovery("port: api, scheme: HTTP, credentialsRef: {name: access}"))
}

func (s *site) readySet(name, target string, source fixture.Option) {
	s.t.Helper()
	s.owner().MustApply(s.t, fixture.AdapterSet(name, fixture.Target("StatefulSet", target), source))
	s.status(name, ready)
}

// status writes the status of an AdapterSet.
func (s *site) status(name, status string) {
	s.t.Helper()
	s.kubectl("", "patch", "adapterset", "-n", s.options.WatchNamespace, name, "--subresource=status", "--type=merge", "-p", `{"status":`+status+`}`)
}

// ready is the status of an AdapterSet that is Ready.
var ready = `{"observedGeneration":1,"conditions":[` + condition("Ready", "True", "InPlace", "") + `]}`

func condition(kind, is, reason, message string) string {
	return fmt.Sprintf(`{"type":%q,"status":%q,"reason":%q,"message":%q,"lastTransitionTime":"2026-01-01T00:00:00Z"}`, kind, is, reason, message)
}
