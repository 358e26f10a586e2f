package cmd_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// mutate installs a policy that changes every workload of the namespace that portside
// applies to, and waits until it takes effect.
func (c *cluster) mutate(jsonPatch string) {
	c.t.Helper()
	for _, object := range []string{`
apiVersion: %[3]s
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [statefulsets]}
  matchConditions:
  - {name: portside, expression: "request.options.?fieldManager.orValue('') == 'portside'"}
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: "[%[2]s]"}
`, `
apiVersion: %[3]s
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec:
  policyName: %[1]s
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}}
`} {
		object = strings.Replace(object, "%[2]s", jsonPatch, 1)
		object = strings.Replace(object, "%[3]s", c.MutatingPolicies(), 1)
		c.Manager("testenv").MustApply(c.t, strings.ReplaceAll(object, "%[1]s", c.namespace))
	}
	before := c.resourceVersion()
	testenv.Eventually(c.t, "the policy to take effect", func(context.Context) error {
		a := c.runWith(adapterSet("[{type: probe, port: 64999}]"), "diff", "-f", "-")
		if !strings.Contains(a.stdout, "other fields") {
			return fmt.Errorf("diff prints\n%s%s", a.stdout, a.stderr)
		}
		return nil
	})
	expect(c.t, "resourceVersion", c.resourceVersion(), before)
}

// TestDiff_OtherFields: fields that admission would change with the ports are shown.
func TestDiff_OtherFields(t *testing.T) {
	t.Parallel()
	const live = "[{name: api, containerPort: 8080, protocol: TCP}]"
	set := adapterSet("[{type: nfs, port: 12049}]")
	ports := `StatefulSet NAMESPACE/dittofs, container dittofs: restarts at most 3 pods
  api 8080/TCP
+ adapter-nfs 12049/TCP
`
	for name, test := range map[string]struct {
		patch, want string
	}{
		"added and changed": {
			"JSONPatch{op: 'add', path: '/metadata/labels', value: {'touched': 'yes'}}, JSONPatch{op: 'replace', path: '/spec/replicas', value: 1}",
			`StatefulSet NAMESPACE/dittofs, other fields: restarts no pod
+ metadata.labels.touched: "yes"
~ spec.replicas: 3 -> 1
`},
		"removed": {
			"JSONPatch{op: 'remove', path: '/metadata/annotations/team'}",
			`StatefulSet NAMESPACE/dittofs, other fields: restarts no pod
- metadata.annotations.team: "storage"
`},
		"of the pod template": {
			"JSONPatch{op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'dittofs:2'}",
			`StatefulSet NAMESPACE/dittofs, other fields: restarts at most 3 pods
~ spec.template.spec.containers[name="dittofs"].image: "dittofs" -> "dittofs:2"
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			workload := statefulSet(live, fixture.Metadata("annotations: {team: storage}"))
			c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, workload)
			in := func(text string) string { return strings.ReplaceAll(text, "NAMESPACE", c.namespace) }
			expect(t, "without the policy", c.must(1, c.runWith(set, "diff", "-f", "-")).stdout, in(ports))
			c.mutate(test.patch)
			expect(t, "with ports", c.must(1, c.runWith(set, "diff", "-f", "-")).stdout, in(ports+test.want))
		})
	}
	t.Run("without a change of ports", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t, testenv.Shared(t))
		c.argo(live)
		c.must(0, c.runWith(set, "sync", "-f", "-"))
		expect(t, "without the policy", c.must(0, c.runWith(set, "diff", "-f", "-")).stdout, "")
		c.mutate("JSONPatch{op: 'add', path: '/metadata/labels', value: {'touched': 'yes'}}")
		expect(t, "stdout", c.must(1, c.runWith(set, "diff", "-f", "-")).stdout,
			"StatefulSet "+c.namespace+"/dittofs, other fields: restarts no pod\n+ metadata.labels.touched: \"yes\"\n")
		expect(t, "nothing to apply", c.must(0, c.runWith(adapterSet("[]"), "diff", "-f", "-", "--field-manager", "another")).stdout, "")
	})
}

// TestDiff_ChangedMeanwhile: what another manager writes during the dry run is not
// shown as a change by sync.
func TestDiff_ChangedMeanwhile(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	c := newCluster(t, cp)
	c.argo(staticPorts)
	through := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnRequest: func(request *http.Request) {
		if !testenv.Is(testenv.VerbApply, "statefulsets")(request) {
			return
		}
		if _, err := c.Manager(testenv.KubectlEdit).Patch(request.Context(), "StatefulSet", c.namespace, "dittofs", types.MergePatchType, []byte(`{"spec":{"replicas":7}}`)); err != nil {
			t.Error(err)
		}
	}})
	set := file(t, "set.yaml", adapterSet("[{type: smb, port: 1445}]"))
	a := c.must(1, runThrough(t.Context(), c, through, "diff", "-f", set))
	expectIn(t, "stdout", a.stdout, "+ adapter-smb 1445/TCP\n")
	expectIn(t, "stderr", a.stderr, "Warning: StatefulSet "+c.namespace+"/dittofs: another manager changed it during the dry run, so only ports are compared: run diff again\n")
	if strings.Contains(a.stdout, "replicas") {
		t.Errorf("stdout:\n%s", a.stdout)
	}
}
