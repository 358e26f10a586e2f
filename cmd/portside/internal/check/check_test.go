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
	s.apply(func(*unstructured.Unstructured) bool { return true })
	s.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	s.awaitPermission("patch", "statefulsets", true)
	return s
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

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.workload("StatefulSet", "files")
	s.adapterSet("files", "files")
	s.entry("files")
	s.expect()
	var checks []string
	for _, f := range s.check(s.Config()) {
		checks = append(checks, f.Check)
	}
	if want := []string{"Server", "Policies", "Permissions", "AdapterSets", "Workloads"}; !slices.Equal(checks, want) {
		t.Errorf("checks %q, want %q", checks, want)
	}
}

// TestPoliciesAreAsPrinted changes one thing after the other.
func TestPoliciesAreAsPrinted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ kind, suffix, patch, want string }{
		"not bound":      {"validatingadmissionpolicybinding", "-guard", "", "ValidatingAdmissionPolicyBinding |-guard: it is not there"},
		"not there":      {"mutatingadmissionpolicy", "-leftover", "", "MutatingAdmissionPolicy |-leftover: it is not there"},
		"only audited":   {"validatingadmissionpolicybinding", "-name", `{"spec":{"validationActions":["Audit"]}}`, "-name: spec.validationActions"},
		"passed over":    {"validatingadmissionpolicy", "-guard", `{"spec":{"failurePolicy":"Ignore"}}`, "-guard: spec.failurePolicy"},
		"narrowed":       {"validatingadmissionpolicybinding", "-guard", `{"spec":{"matchResources":{"namespaceSelector":{"matchLabels":{"a":"b"}}}}}`, "-guard: spec.matchResources"},
		"a rule less":    {"validatingadmissionpolicy", "-guard", `{"spec":{"validations":[{"expression":"true"}]}}`, "-guard: spec.validations"},
		"another policy": {"validatingadmissionpolicybinding", "-name", `{"spec":{"policyName":"other"}}`, "-name: spec.policyName"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := installed(t)
			object := s.options.FieldManager + test.suffix
			if test.patch == "" {
				s.kubectl("", "delete", test.kind, object)
			} else {
				s.kubectl("", "patch", test.kind, object, "--type=merge", "-p", test.patch)
			}
			s.expect("Wrong |" + test.want)
		})
	}
}

// TestPermissions: one too few, and some too many.
func TestPermissions(t *testing.T) {
	t.Parallel()
	t.Run("too few", func(t *testing.T) {
		t.Parallel()
		s := installed(t)
		s.kubectl("", "patch", "role", "-n", s.options.WatchNamespace, s.options.FieldManager, "--type=json", "-p", `[{"op":"replace","path":"/rules/0/verbs","value":["get","list","watch"]}]`)
		s.awaitPermission("patch", "daemonsets", false)
		s.expect("Wrong ServiceAccount |it may not patch daemonsets.apps", "Wrong |patch deployments.apps", "Wrong |patch statefulsets.apps")
	})
	for name, test := range map[string]struct{ rule, want string }{
		"too many":            {`{apiGroups: [apps], resources: [statefulsets/scale, statefulsets], verbs: [update]}`, "Wrong |more than it needs|update statefulsets.apps,|update statefulsets/scale.apps"},
		"everything":          {`{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`, "Wrong |: * *.*"},
		"all secrets":         {`{apiGroups: [""], resources: [secrets], verbs: [list, update]}`, "Wrong |list secrets"},
		"too many, no matter": {`{apiGroups: [example.com], resources: [things], verbs: [list, update]}`, "Warning |things.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := installed(t)
			s.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: more, namespace: `+s.options.WatchNamespace+`}, rules: [`+test.rule+`,
			  {apiGroups: [apps], resources: [statefulsets], verbs: [update], resourceNames: [probe]}]}`, "apply", "-f", "-")
			s.kubectl("", "create", "rolebinding", "more", "-n", s.options.WatchNamespace, "--role=more", "--serviceaccount="+s.options.Namespace+":"+s.options.FieldManager)
			testenv.Eventually(t, "the role to count", func(context.Context) error {
				for _, f := range s.check(s.Config()) {
					if strings.Contains(f.Message, "/probe") {
						return nil
					}
				}
				return fmt.Errorf("it does not")
			})
			found := false
			for _, f := range s.check(s.Config()) {
				line := string(f.State) + " " + f.Message
				found = found || !slices.ContainsFunc(strings.Split(test.want, "|"), func(part string) bool { return !strings.Contains(line, part) })
			}
			if !found {
				t.Errorf("no %q in %v", test.want, s.check(s.Config()))
			}
		})
	}
}

// TestTargets: an AdapterSet without a workload, and a workload without one.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.adapterSet("lonely", "nowhere")
	s.workload("StatefulSet", "left")
	s.entry("left")
	s.workload("StatefulSet", "another")
	s.expect("Warning AdapterSet |/lonely|its target, StatefulSet |/nowhere, is not there", "Warning StatefulSet |/left|portside release")
}

// TestBeforeItIsInstalled: may who asks install it?
func TestBeforeItIsInstalled(t *testing.T) {
	t.Parallel()
	cp, err := testenv.Start(t.Context(), testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &site{cp, t, install.Options{Namespace: "portside-system", FieldManager: "portside"}}
	s.expect()
	user, err := cp.User("somebody")
	if err != nil {
		t.Fatal(err)
	}
	s.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}, rules: [
	  {apiGroups: ["*"], resources: ["*"], verbs: [get]}, {apiGroups: [rbac.authorization.k8s.io], resources: ["*"], verbs: ["*"]}]}`, "apply", "-f", "-")
	s.kubectl("", "create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=somebody")
	testenv.Eventually(t, "what is missing", func(context.Context) error {
		var lacks []string
		findings, err := check.Run(t.Context(), user, s.options)
		if err != nil {
			return err
		}
		for _, f := range findings {
			if f.State == check.Wrong {
				lacks = append(lacks, f.Message)
			}
		}
		all := strings.Join(lacks, "\n")
		if !strings.Contains(all, "create customresourcedefinitions.apiextensions.k8s.io, which") || strings.Contains(all, "rbac.") {
			return fmt.Errorf("%q", lacks)
		}
		return nil
	})
}

// TestPartOfItIsThere: the rest is missing.
func TestPartOfItIsThere(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.kubectl("", "delete", "deployment", "-n", s.options.Namespace, s.options.FieldManager)
	s.expect("Wrong Deployment |it is not there: apply what portside install prints")
}

// TestWhoMayNotLook gets an error that says what is needed.
func TestWhoMayNotLook(t *testing.T) {
	t.Parallel()
	s := installed(t)
	user, err := s.User("nobody-" + s.options.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Run(t.Context(), user, s.options); err == nil || !strings.Contains(err.Error(), "be allowed to impersonate") {
		t.Errorf("%v", err)
	}
}

func (s *site) must(_ *unstructured.Unstructured, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) workload(kind, name string) {
	s.t.Helper()
	s.must(s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: apps/v1, kind: %s, metadata: {name: %s}, spec: {serviceName: x,
	  selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: x, image: x}]}}}}`, kind, name)))
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
