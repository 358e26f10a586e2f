package check_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/testenv"
)

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.workload("files")
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
		"a condition more": {"validatingadmissionpolicy", "-guard", `[{"op":"add","path":"/spec/matchConditions/-","value":{"name":"never","expression":"false"}}]`,
			"-guard: spec.matchConditions"},
		"not every version": {"validatingadmissionpolicy", "-guard", `{"spec":{"matchConstraints":{"matchPolicy":"Exact"}}}`, "-guard: spec.matchConstraints.matchPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := installed(t)
			object := s.options.FieldManager + test.suffix
			switch {
			case test.patch == "":
				s.kubectl("", "delete", test.kind, object)
			case strings.HasPrefix(test.patch, "["):
				s.kubectl("", "patch", test.kind, object, "--type=json", "-p", test.patch)
			default:
				s.kubectl("", "patch", test.kind, object, "--type=merge", "-p", test.patch)
			}
			s.expect("Wrong |" + test.want)
		})
	}
}

// TestExpressionsThatTheServerWarnsOf are as printed, and may not do what they
// are there for.
func TestExpressionsThatTheServerWarnsOf(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.kubectl("", "patch", "validatingadmissionpolicy", s.options.FieldManager+"-guard", "--subresource=status", "--type=merge", "-p",
		`{"status":{"typeChecking":{"expressionWarnings":[{"fieldRef":"spec.validations[0].expression","warning":"no such field"}]}}}`)
	s.expect("Warning ValidatingAdmissionPolicy |-guard: the server has 1 warnings about its expressions")
}

// TestBeforeItIsInstalled: may who asks install it?
func TestBeforeItIsInstalled(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	s.expect()
	user, err := s.User("somebody")
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
