package facts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

func TestFact16_AdmissionSeesManager(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	installWatcher(t, cp, ns)
	image := contribute(body("", "{name: files, image: files:2}"))
	scenario(
		declare(static), contribute(shared(extraNFS)),
		refused(by(third, contribute(shared(extraNFS))), testenv.Invalid("the field manager is third")),
		refused(forced(image), testenv.Invalid("contributor owns an image")),
		// Forced, and nothing in the request shows it.
		forced(contribute(shared(extras))),
		testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP", "extra-nfs:12049/TCP", "extra-smb:1445/TCP"}},
	).RunIn(t, cp, ns)
}

// installWatcher installs a policy that refuses writes of a field manager, images that
// the contributor owns and forced applies, as far as it sees them, and waits until it
// is in force.
func installWatcher(t *testing.T, cp *testenv.ControlPlane, ns string) {
	t.Helper()
	installPolicy(t, cp, ns, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [statefulsets]}
  validations:
  - {expression: "request.options.fieldManager != 'third'", message: the field manager is third}
  - {expression: "!has(request.options.force)", message: the apply is forced}
  - message: contributor owns an image
    expression: >-
      !object.metadata.managedFields.exists(e, e.manager == 'contributor' &&
      'f:image' in e.fieldsV1['f:spec']['f:template']['f:spec']['f:containers']['k:{"name":"files"}'])
`, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec:
  policyName: %[1]s
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}}
`)
	testenv.Eventually(t, "the policy to be in force", func(ctx context.Context) error {
		_, err := cp.Manager(third).In(ns).Create(ctx, probe(nil))
		if apierrors.IsInvalid(err) {
			return nil
		}
		return errors.Join(errors.New("the probe is not refused"), err, cp.Manager(third).Delete(ctx, "StatefulSet", ns, "probe"))
	})
}

// installRemover installs a policy that removes the first container of StatefulSets
// in the namespace with an annotation, and waits until it is in force.
func installRemover(t *testing.T, cp *testenv.ControlPlane, ns string) {
	t.Helper()
	if !cp.ServesMutatingPolicies() {
		notOnExisting(t, cp, needsPolicyType)
	}
	installPolicy(t, cp, ns, `
apiVersion: %[2]s
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [statefulsets]}
  matchConditions:
  - name: annotated
    expression: "has(object.metadata.annotations) && 'testenv/remove' in object.metadata.annotations && object.spec.template.spec.containers[0].name == object.metadata.annotations['testenv/remove']"
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: "[JSONPatch{op: 'remove', path: '/spec/template/spec/containers/0'}]"}
`, `
apiVersion: %[2]s
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec:
  policyName: %[1]s
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}}
`)
	testenv.Eventually(t, "the policy to be in force", func(ctx context.Context) error {
		created, err := cp.Manager(owner).In(ns).Create(ctx, probe(map[string]string{"testenv/remove": files}))
		if err != nil {
			return err
		}
		if got := testenv.Containers(created); len(got) != 1 {
			err = fmt.Errorf("containers %v", got)
		}
		return errors.Join(err, cp.Manager(owner).Delete(ctx, "StatefulSet", ns, "probe"))
	})
}

// installPolicy applies a policy and its binding, named after the namespace that the
// binding selects. They are formats of the name and of the API version of
// MutatingAdmissionPolicy.
func installPolicy(t *testing.T, cp *testenv.ControlPlane, ns string, policy, binding string) {
	t.Helper()
	for _, format := range []string{policy, binding} {
		object := fmt.Sprintf(format, ns, cp.MutatingPolicies())
		cp.Manager("testenv").MustApply(t, object)
		t.Cleanup(func() {
			if _, err := cp.Kubectl(context.WithoutCancel(t.Context()), ns, object, "delete", "--filename=-"); err != nil {
				t.Error(err)
			}
		})
	}
}

// probe returns a StatefulSet with two containers and these annotations.
func probe(annotations map[string]string) *unstructured.Unstructured {
	object, err := testenv.Object(twoContainers.Object)
	if err != nil {
		panic(err)
	}
	object.SetName("probe")
	object.SetAnnotations(annotations)
	return object
}
