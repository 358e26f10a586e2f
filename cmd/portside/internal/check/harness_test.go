package check_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
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

// installed has everything, and its permissions count.
func installed(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.install()
	return s
}

// install installs what the options print, and waits until RBAC has it.
func (s *site) install() {
	s.t.Helper()
	s.apply(func(*unstructured.Unstructured) bool { return true })
	s.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	s.awaitPermission("patch", "statefulsets", true)
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
func (s *site) awaitPermission(verb, resource string, want bool) {
	s.t.Helper()
	client, err := kubernetes.NewForConfig(s.Config())
	if err != nil {
		s.t.Fatal(err)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + s.options.Namespace + ":" + s.options.FieldManager,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.options.WatchNamespace, Verb: verb, Group: "apps", Resource: resource},
	}}
	testenv.Eventually(s.t, fmt.Sprintf("%s %s: %t", verb, resource, want), func(ctx context.Context) error {
		answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err == nil && answer.Status.Allowed != want {
			return fmt.Errorf("it is %t", answer.Status.Allowed)
		}
		return err
	})
}

func (s *site) check(config *rest.Config) []check.Finding {
	s.t.Helper()
	findings, err := check.Run(s.t.Context(), config, s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	return findings
}

// expect looks for exactly these findings that are not OK: each is a state, an
// object and a part of the message.
func (s *site) expect(want ...string) {
	s.t.Helper()
	var got []string
	for _, f := range s.check(s.Config()) {
		if f.State != check.OK {
			got = append(got, fmt.Sprintf("%s %s: %s", f.State, f.Object, f.Message))
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

func (s *site) adapterSet(name, target string) {
	s.t.Helper()
	s.must(s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: %s},
	  spec: {targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %s}, adapters: [{type: nfs, port: 12049}]}}`, name, target)))
}
