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

// TestHealthy expects a finding of each check and no problem.
func TestHealthy(t *testing.T) {
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
	if want := []string{"Server", "Install", "Policies", "Permissions", "Replicas", "Lease", "AdapterSets", "Workloads"}; !slices.Equal(checks, want) {
		t.Errorf("checks %q, want %q", checks, want)
	}
}

// TestPolicies expects a finding for each way in which a policy differs from the
// manifests.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ kind, suffix, patch, want string }{
		"not bound":      {"validatingadmissionpolicybinding", "-guard", "", "ValidatingAdmissionPolicyBinding |-guard: not found; run: portside install --image IMAGE --namespace "},
		"not found":      {"mutatingadmissionpolicy", "-leftover", "", "MutatingAdmissionPolicy |-leftover: not found; run: portside install --image IMAGE --namespace "},
		"only audited":   {"validatingadmissionpolicybinding", "-name", `{"spec":{"validationActions":["Audit"]}}`, "-name: spec.validationActions"},
		"ignored":        {"validatingadmissionpolicy", "-guard", `{"spec":{"failurePolicy":"Ignore"}}`, "-guard: spec.failurePolicy"},
		"narrowed":       {"validatingadmissionpolicybinding", "-guard", `{"spec":{"matchResources":{"namespaceSelector":{"matchLabels":{"a":"b"}}}}}`, "-guard: spec.matchResources"},
		"a missing rule": {"validatingadmissionpolicy", "-guard", `{"spec":{"validations":[{"expression":"true"}]}}`, "-guard: spec.validations"},
		"another policy": {"validatingadmissionpolicybinding", "-name", `{"spec":{"policyName":"other"}}`, "-name: spec.policyName"},
		"another condition": {"validatingadmissionpolicy", "-guard", `[{"op":"add","path":"/spec/matchConditions/-","value":{"name":"never","expression":"false"}}]`,
			"-guard: spec.matchConditions"},
		"one API version": {"validatingadmissionpolicy", "-guard", `{"spec":{"matchConstraints":{"matchPolicy":"Exact"}}}`, "-guard: spec.matchConstraints.matchPolicy"},
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
			s.expect("Error Policies |" + test.want)
		})
	}
}

// TestExpressionWarnings expects a Warning where the server warns of an expression of
// a policy.
func TestExpressionWarnings(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.kubectl("", "patch", "validatingadmissionpolicy", s.options.FieldManager+"-guard", "--subresource=status", "--type=merge", "-p",
		`{"status":{"typeChecking":{"expressionWarnings":[{"fieldRef":"spec.validations[0].expression","warning":"no such field"}]}}}`)
	s.expect("Warning Policies ValidatingAdmissionPolicy |-guard: the server has 1 warnings about its expressions")
}

// TestNotInstalled expects the permissions that the user lacks to install portside.
func TestNotInstalled(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	s.expect(s.withoutLeftover()...)
	user, err := s.User("reader")
	if err != nil {
		t.Fatal(err)
	}
	s.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}, rules: [
	  {apiGroups: ["*"], resources: ["*"], verbs: [get]}, {apiGroups: [rbac.authorization.k8s.io], resources: ["*"], verbs: ["*"]}]}`, "apply", "-f", "-")
	s.kubectl("", "create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader")
	testenv.Eventually(t, "the missing permissions", func(context.Context) error {
		var lacks []string
		for _, f := range s.check(user) {
			if f.State == check.Error {
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

// TestInstall expects one finding for all missing objects.
func TestInstall(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.kubectl("", "delete", "service,poddisruptionbudget", "-n", s.options.Namespace, "--all")
	s.expect("Error Install PodDisruptionBudget |, Service |: not found; run: portside install --image IMAGE --namespace |--field-manager |--watch-namespace | kubectl apply --server-side -f -")
}

// TestWithoutPolicies expects a Warning for each policy that is left out.
func TestWithoutPolicies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.WithoutPolicies = true
	s.install()
	s.expect("Warning Server no guard policy |; install without --without-policies to have it", "Warning Server no name policy", "Warning Server no leftover policy")
}

// TestCRDMissing expects the findings after an interrupted installation or helm
// --skip-crds.
func TestCRDMissing(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	s.install()
	s.kubectl("", "delete", "crd", "adaptersets.portside.dev")
	s.expect(
		"Error Install CustomResourceDefinition adaptersets.portside.dev: not found; run: portside install --image IMAGE"+s.options.Flags()+" | kubectl apply --server-side -f -",
		"Error AdapterSets |does not serve adaptersets.portside.dev, because their CustomResourceDefinition is missing; run: portside install --image IMAGE"+s.options.Flags()+" | kubectl apply --server-side -f -",
		"Warning Workloads not checked",
	)
}

// TestConnection_Forbidden runs check as a user without permissions and expects a Warning, with
// the permission to ask for, for each unknown state.
func TestConnection_Forbidden(t *testing.T) {
	t.Parallel()
	s := installed(t)
	user, err := s.User("nobody-" + s.options.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	s.expectAs(user, append(s.withoutLeftover(),
		"Warning Install | more: cannot be read: forbidden; ask for the permission to get it",
		"Warning Policies | more: cannot be read: forbidden; ask for",
		"Warning Permissions |grant yourself \"impersonate\" on it and its groups, or run with its token",
		"Warning Replicas cannot list Deployments in namespace |: forbidden; ask for the permission to list deployments.apps there",
		"Warning Lease |: cannot be read: forbidden; ask for the permission to get leases.coordination.k8s.io in namespace ",
		"Warning AdapterSets cannot list them: forbidden; ask for the permission to list adaptersets.portside.dev",
		"Warning Workloads not checked",
	)...)
}
