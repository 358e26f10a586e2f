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
)

// site is a cluster where a test installs portside under a name of its own.
type site struct {
	*testenv.ControlPlane
	t       *testing.T
	options install.Options
}

func newSite(t *testing.T) *site {
	t.Helper()
	cp := testenv.Shared(t)
	workloads, system := cp.Namespace(t), cp.Namespace(t)
	return &site{cp, t, install.Options{Namespace: system, FieldManager: system, WatchNamespace: workloads}}
}

// installed is a site where portside is installed, and seems to run.
func installed(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.install()
	return s
}

// install applies the manifests and waits until they take effect. No controller
// runs, so the test is the one that writes the status of the Deployment, and the
// Lease.
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
	s.must(s.Manager("leader").In(s.options.Namespace).Apply(s.t.Context(), s.leaseOf(holder, seconds, renewed)))
}

func (s *site) leaseOf(holder string, seconds int, renewed time.Time) string {
	return fmt.Sprintf(`{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: %s}, spec: {holderIdentity: %q, leaseDurationSeconds: %d, renewTime: %q}}`,
		s.options.FieldManager, holder, seconds, renewed.UTC().Format(metav1.RFC3339Micro))
}

// everywhere is where a test installs portside for all namespaces, in a control
// plane of its own.
func everywhere(t *testing.T) *site {
	t.Helper()
	cp, err := testenv.Start(t.Context(), testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &site{cp, t, install.Options{Namespace: "portside-system", FieldManager: "portside"}}
}

// apply applies those of the manifests that are wanted.
func (s *site) apply(wanted func(*unstructured.Unstructured) bool) {
	s.t.Helper()
	objects, err := install.Manifests(s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := install.YAML(slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return !wanted(o) }))
	if err != nil {
		s.t.Fatal(err)
	}
	s.kubectl(string(text), "apply", "--server-side", "-f", "-")
}

func (s *site) kubectl(stdin string, args ...string) {
	s.t.Helper()
	if _, err := s.Kubectl(s.t.Context(), "", stdin, args...); err != nil {
		s.t.Fatal(err)
	}
}

// awaitPermission waits until the server's RBAC has heard of a change.
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
			return fmt.Errorf("it is %t", answer.Status.Allowed)
		}
		return err
	})
}

// check runs portside check as a user, and fails the test unless its exit code
// fits its findings.
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

// expect compares the findings that are not OK: each is a state, a check, the
// objects and a message, of which parts are given.
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

func (s *site) must(_ *unstructured.Unstructured, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) workload(name string) {
	s.t.Helper()
	s.must(s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: %s}, spec: {serviceName: x,
	  selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: x, image: x}]}}}}`, name)))
}

// entry has a port applied under the field manager.
func (s *site) entry(name string) {
	s.t.Helper()
	s.must(s.Manager(s.options.FieldManager).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: %s},
	  spec: {template: {spec: {containers: [{name: x, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}}}}`, name)))
}

// asking creates an AdapterSet that is Ready and asks its pods with credentials.
func (s *site) asking(name, target string) {
	s.t.Helper()
	s.must(s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: %s},
	  spec: {targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %s}, discovery: {http: {port: api, scheme: HTTP, credentialsRef: {name: access}}}}}`, name, target)))
	s.status(name, ready)
}

// adapterSet creates an AdapterSet that is Ready.
func (s *site) adapterSet(name, target string) {
	s.t.Helper()
	s.must(s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: %s},
	  spec: {targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %s}, adapters: [{type: nfs, port: 12049}]}}`, name, target)))
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
