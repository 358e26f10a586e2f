package install_test

import (
	"context"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// editor returns a user with every permission on workloads and no other.
func (i *installation) editor() *rest.Config {
	i.t.Helper()
	config, err := i.User("editor-of-" + i.workloads)
	if err != nil {
		i.t.Fatal(err)
	}
	config.WarningHandler = rest.NoWarnings{}
	i.grant("{apiGroup: rbac.authorization.k8s.io, kind: User, name: editor-of-"+i.workloads+"}", config)
	return config
}

// grant grants a subject every permission on workloads, Services, AdapterSets, events
// and Leases: what is refused then, the policies refuse.
func (i *installation) grant(subject string, config *rest.Config) {
	i.t.Helper()
	i.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: everything, namespace: `+i.workloads+`}, rules: [
	  {apiGroups: [apps], resources: ["*"], verbs: ["*"]},
	  {apiGroups: [portside.dev], resources: [adaptersets], verbs: ["*"]},
	  {apiGroups: ["", events.k8s.io], resources: [events], verbs: ["*"]},
	  {apiGroups: [""], resources: [services, services/status], verbs: ["*"]},
	  {apiGroups: [coordination.k8s.io], resources: [leases], verbs: ["*"]}]}`, "apply", "--server-side", "-f", "-")
	i.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {generateName: everything-, namespace: `+i.workloads+`},
	  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: everything}, subjects: [`+subject+`]}`, "create", "-f", "-")
	client := clientset(i.t, config)
	testenv.Eventually(i.t, "the grant to be in force", func(ctx context.Context) error {
		return client.AppsV1().StatefulSets(i.workloads).DeleteCollection(ctx,
			metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, metav1.ListOptions{LabelSelector: "no=such"})
	})
}

// awaitPolicies waits until each policy is in force: the server takes a moment to
// compile them. Nothing is stored.
func (i *installation) awaitPolicies() {
	i.t.Helper()
	kinds := map[string]bool{}
	for _, object := range i.manifests() {
		kinds[object.GetKind()+" "+strings.TrimPrefix(object.GetName(), i.manager)] = true
	}
	if kinds["ValidatingAdmissionPolicy -guard"] {
		i.mustApply(i.argo(), probe)
		i.portside().WaitGuard(i.t, "Deployment", i.workloads, "probe")
		i.awaitName()
		i.argo().MustDelete(i.t, "Deployment", "", "probe")
	}
	if kinds["ValidatingAdmissionPolicy -guard-services"] {
		i.awaitServices()
	}
	if kinds["MutatingAdmissionPolicy -leftover"] {
		i.awaitLeftover()
	}
}

func (i *installation) awaitName() {
	i.t.Helper()
	editor := clientset(i.t, i.editor())
	testenv.Eventually(i.t, "the name policy to be in force", func(ctx context.Context) error {
		_, err := editor.AppsV1().Deployments(i.workloads).Patch(ctx, "probe", types.MergePatchType, []byte(`{}`),
			metav1.PatchOptions{FieldManager: i.manager, DryRun: []string{metav1.DryRunAll}})
		return portside.RefusedBy(err, i.manager+"-name")
	})
}

// awaitServices waits for the policies of Services.
func (i *installation) awaitServices() {
	i.t.Helper()
	i.mustApply(i.argo(), service("", staticServicePorts))
	i.portside().WaitGuard(i.t, "Service", i.workloads, dittofs)
	editor := clientset(i.t, i.editor())
	testenv.Eventually(i.t, "the name policy of Services to be in force", func(ctx context.Context) error {
		_, err := editor.CoreV1().Services(i.workloads).Patch(ctx, dittofs, types.MergePatchType, []byte(`{}`),
			metav1.PatchOptions{FieldManager: i.manager, DryRun: []string{metav1.DryRunAll}})
		return portside.RefusedBy(err, i.manager+"-name-services'")
	})
	i.argo().MustDelete(i.t, "Service", "", dittofs)
}

// awaitLeftover removes a container as its owner until the policy allows it.
func (i *installation) awaitLeftover() {
	i.t.Helper()
	owner := i.argo()
	i.mustApply(owner, probe)
	i.mustApply(i.Manager(i.manager).In(i.workloads), `{apiVersion: apps/v1, kind: Deployment, metadata: {name: probe},
		spec: {template: {spec: {containers: [{name: dittofs, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}}}}`)
	without := strings.Replace(probe, "{name: dittofs, image", "{name: other, image", 1)
	testenv.Eventually(i.t, "the leftover policy to be in force", func(ctx context.Context) error {
		_, err := owner.Apply(ctx, without)
		return err
	})
	owner.MustDelete(i.t, "Deployment", "", "probe")
}
