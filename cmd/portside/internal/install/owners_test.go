package install_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestLife reconciles workloads as portside's user: ports are added, renumbered,
// removed, released and added again.
func TestLife(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]install.Options{
		"everywhere":       {},
		"in one namespace": {WatchNamespace: "workloads"},
		"without policies": {WatchNamespace: "workloads", WithoutPolicies: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := installed(t, o)
			testenv.Eventually(t, "RBAC to be in force", func(ctx context.Context) error { return needs["list pods"](ctx, i) })
			for _, kind := range workload.Kinds() {
				i.mustApply(i.argo(), declared(kind, static))
				i.reconcile(kind, nfs, smb)
				i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
				i.reconcile(kind, at(nfs, 12050), at(smb, 12049))
				i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-smb:12049/TCP", "adapter-nfs:12050/TCP")
				if again := i.reconcile(kind, at(nfs, 12050), at(smb, 12049)); again.Outcome != apply.Unchanged {
					t.Errorf("%s: a second reconciliation: %s", kind, again.Outcome)
				}
				i.reconcile(kind, at(nfs, 12050))
				i.release(kind, true)
				i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-nfs:12050/TCP")
				i.reconcile(kind, at(nfs, 12050))
				i.release(kind, false)
				i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP")
			}
		})
	}
}

func (i *installation) release(kind workload.Kind, keepPorts bool) {
	i.t.Helper()
	if result, err := i.applier().Release(i.t.Context(), i.target(kind), keepPorts); err != nil || result.Outcome != apply.Applied {
		i.t.Fatalf("releasing as portside's ServiceAccount, keepPorts %t: %s: %v", keepPorts, result.Outcome, err)
	}
}

// TestGuardAllowsEditedPorts expects that portside can still write and release its
// ports after another manager has written to them.
func TestGuardAllowsEditedPorts(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	for name, patch := range map[string]string{
		"hostPort":   `[{"op":"add","path":"/spec/template/spec/containers/0/ports/2/hostPort","value":7}]`,
		"name":       `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/2/name","value":"web"}]`,
		"protocol":   `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/2/protocol","value":"UDP"}]`,
		"no entries": `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`,
	} {
		for _, keepPorts := range []bool{false, true} {
			kind := workload.Deployment
			i.mustApply(i.argo(), declared(kind, static))
			i.reconcile(kind, nfs)
			if _, err := i.Manager(testenv.KubectlEdit).In(i.workloads).Patch(t.Context(), kind.Kind, "", dittofs, types.JSONPatchType, []byte(patch)); err != nil {
				t.Fatal(err)
			}
			i.reconcile(kind, nfs, smb)
			if _, err := i.applier().Release(t.Context(), i.target(kind), keepPorts); err != nil {
				t.Errorf("%s: keepPorts %t: %v", name, keepPorts, err)
			}
			i.argo().MustDelete(t, kind.Kind, "", dittofs)
		}
	}
}

// TestGuardAllowsRemovingTheList expects that portside can remove its last port
// with a list that another manager created, and add a port again, whether or not
// another manager has written to the port.
func TestGuardAllowsRemovingTheList(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	kind := workload.StatefulSet
	kubectl := i.Manager(testenv.KubectlEdit).In(i.workloads)
	for _, after := range []string{"", `,{"op":"add","path":"/spec/template/spec/containers/0/ports/0/hostPort","value":12049}`} {
		for _, end := range []func(){func() { i.reconcile(kind) }, func() { i.release(kind, false) }} {
			i.mustApply(i.argo(), declared(kind, "[]"))
			for _, patch := range []string{
				`{"op":"add","path":"/spec/template/spec/containers/0/ports","value":[{"name":"api","containerPort":8080,"protocol":"TCP"}]}`,
				`{"op":"remove","path":"/spec/template/spec/containers/0/ports/0"}` + after,
			} {
				kubectl.MustPatch(t, kind.Kind, "", dittofs, types.JSONPatchType, []byte("["+patch+"]"))
				i.reconcile(kind, nfs)
			}
			end()
			i.expectPorts(kind, dittofs)
			i.reconcile(kind, nfs)
			i.expectPorts(kind, dittofs, "adapter-nfs:12049/TCP")
			i.argo().MustDelete(t, kind.Kind, "", dittofs)
		}
	}
}

// TestGuardAllowsRemovingAnEditedPort expects that portside can remove a port that the
// manager of the list has written to, while the list has another port. Of the items that
// manager owns none then, which managedFields write in another form.
func TestGuardAllowsRemovingAnEditedPort(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	kubectl := i.Manager(testenv.KubectlEdit).In(i.workloads)
	for _, kind := range workload.Kinds() {
		i.mustApply(i.argo(), declared(kind, "[]"))
		for _, patch := range []string{
			`[{"op":"add","path":"/spec/template/spec/containers/0/ports","value":[{"name":"api","containerPort":8080,"protocol":"TCP"}]}]`,
			`[{"op":"remove","path":"/spec/template/spec/containers/0/ports/0"},
			  {"op":"add","path":"/spec/template/spec/containers/0/ports/0/hostPort","value":12049}]`,
		} {
			kubectl.MustPatch(t, kind.Kind, "", dittofs, types.JSONPatchType, []byte(patch))
			i.reconcile(kind, nfs)
		}
		i.reconcile(kind, nfs, smb)
		i.reconcile(kind, smb)
		i.expectPorts(kind, dittofs, "adapter-smb:1445/TCP")
	}
}

// TestGuardKeepsRenamedPort expects that a port that another manager renamed stays
// when its adapter is inactive.
func TestGuardKeepsRenamedPort(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	for _, kind := range workload.Kinds() {
		i.mustApply(i.argo(), declared(kind, static))
		i.reconcile(kind, nfs, smb)
		if _, err := i.Manager(testenv.KubectlEdit).In(i.workloads).Patch(t.Context(), kind.Kind, "", dittofs, types.StrategicMergePatchType,
			[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","ports":[{"containerPort":12049,"name":"web"}]}]}}}}`)); err != nil {
			t.Fatal(err)
		}
		i.reconcile(kind, smb)
		i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-smb:1445/TCP", "web:12049/TCP")
		if again := i.reconcile(kind, smb); again.Outcome != apply.Unchanged {
			t.Errorf("%s: a second reconciliation: %s", kind, again.Outcome)
		}
		i.reconcile(kind)
		i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "web:12049/TCP")
	}
}

// TestNameIsReserved expects that a user with every permission on workloads, but
// not to use the name, writes nothing under it.
func TestNameIsReserved(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	editor := i.editor()
	kind := workload.StatefulSet
	i.mustApply(i.argo(), declared(kind, static))
	i.reconcile(kind, nfs)
	before := i.live(kind)
	impostor, user := i.as(editor, i.manager), i.as(editor, testenv.Kubectl)
	patch := `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"other"}]`
	withEntry := func(edit func(*metav1.ManagedFieldsEntry), image string) error {
		_, err := user.Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) {
			o.SetManagedFields(ofOurs(edit)(i.manager, o.GetManagedFields()))
			if image != "" {
				testenv.EditContainer(o, dittofs, func(c map[string]any) { c["image"] = image })
			}
		})
		return err
	}
	i.mustApply(i.argo(), named("restored", declared(kind, static)))
	restores := func() error { // as Velero does
		_, err := user.Update(t.Context(), kind.Kind, "", "restored", func(o *unstructured.Unstructured) { o.SetManagedFields(before.GetManagedFields()) })
		return err
	}
	theirs := before.GetManagedFields()[slices.IndexFunc(before.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == testenv.ArgoCD })]
	for name, err := range map[string]error{
		"apply":  second(impostor.Apply(t.Context(), declared(kind, static))),
		"create": second(impostor.Create(t.Context(), named("another", declared(kind, static)))),
		"patch":  second(impostor.Patch(t.Context(), kind.Kind, "", dittofs, types.JSONPatchType, []byte(patch))),
		"update": second(impostor.Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) {
			o.SetLabels(map[string]string{"evil": "1"})
		})),
		"a User-Agent": func() error {
			agent := *editor
			agent.UserAgent = i.manager + "/v1"
			_, err := dynamicClient(t, &agent).Resource(resourceOf(kind)).Namespace(i.workloads).Patch(t.Context(), dittofs, types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
			return err
		}(),
		"an entry with a static port":               withEntry(replaced(`"k:{\"containerPort\":12049,`, `"k:{\"containerPort\":8080,`), ""),
		"an entry with a static port and an image":  withEntry(replaced(`"f:ports":{`, `"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{}},`), "dittofs:2"),
		"an entry with more fields and an image":    withEntry(replaced(`"f:ports":{`, `"f:env":{},"f:ports":{`), "dittofs:2"),
		"an entry with replicas and a change of it": withEntry(replaced(`"f:spec":{`, `"f:spec":{"f:replicas":{},`), "dittofs:2"),
		"an entry without the name of our port":     withEntry(replaced(`"f:containerPort":{},"f:name":{},`, `"f:containerPort":{},`), ""),
		"an entry without our port":                 withEntry(replaced(`"k:{\"containerPort\":12049,`, `"k:{\"containerPort\":12050,`), ""),
		"another's fields in our entry":             withEntry(func(e *metav1.ManagedFieldsEntry) { e.FieldsV1 = theirs.FieldsV1 }, ""),
		"our entry from a backup":                   restores(),
	} {
		if err := portside.RefusedBy(err, i.manager+"-name'"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if i.live(kind).GetResourceVersion() != before.GetResourceVersion() {
		t.Error("the workload changed")
	}
}

func second[T any](_ T, err error) error { return err }

// TestNameAllowsOwners expects that the name policy refuses no manager that removes
// our ports or our claim.
func TestNameAllowsOwners(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	kind := workload.StatefulSet
	user := i.as(i.editor(), testenv.KubectlEdit)
	for name, act := range map[string]func() error{
		"another image": func() error {
			return second(user.Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) {
				testenv.EditContainer(o, dittofs, func(c map[string]any) { c["image"] = "dittofs:2" })
			}))
		},
		"our port removed": func() error {
			return second(user.Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) { testenv.SetPorts(o, dittofs, static) }))
		},
		"our port renamed": func() error {
			return second(user.Patch(t.Context(), kind.Kind, "", dittofs, types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/template/spec/containers/0/ports/2/name","value":"web"}]`)))
		},
		"our port by force": func() error {
			return second(user.ForceApply(t.Context(), fmt.Sprintf(`{apiVersion: apps/v1, kind: %s, metadata: {name: dittofs}, spec: {template: {spec: {
			  containers: [{name: dittofs, ports: [{name: web, containerPort: 12049, protocol: TCP}]}]}}}}`, kind)))
		},
		"no entries at all": func() error {
			return second(user.Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) { o.SetManagedFields([]metav1.ManagedFieldsEntry{{}}) }))
		},
		"a label": func() error {
			return second(user.Patch(t.Context(), kind.Kind, "", dittofs, types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`)))
		},
		"an older declaration, replaced": func() error {
			older := object(t, declared(kind, static))
			older.SetNamespace(i.workloads)
			return second(user.Update(t.Context(), kind.Kind, "", dittofs, func(o *unstructured.Unstructured) { o.Object = older.Object }))
		},
	} {
		i.mustApply(i.argo(), declared(kind, static))
		i.reconcile(kind, nfs)
		if err := act(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		i.argo().MustDelete(t, kind.Kind, "", dittofs)
	}
}

// TestTwoFieldManagers expects that each of two installations writes its ports and
// cannot write the other's.
func TestTwoFieldManagers(t *testing.T) {
	t.Parallel()
	blue := installed(t, install.Options{})
	green := *blue
	green.manager = "green-" + blue.manager
	green.options.FieldManager = green.manager
	green.apply(green.manifests())
	green.mustApply(green.argo(), probe)
	green.portside().WaitGuard(green.t, "Deployment", green.workloads, "probe")
	kind := workload.Deployment
	blue.mustApply(blue.argo(), declared(kind, static))
	blue.reconcile(kind, nfs)
	if _, err := green.applier().Apply(t.Context(), green.target(kind), apply.Desired{Container: "sidecar", Adapters: []apply.Adapter{smb}}); err != nil {
		t.Fatal(err)
	}
	blue.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-nfs:12049/TCP")
	blue.expectPorts(kind, "sidecar", "adapter-smb:1445/TCP")
	err := green.tries(t.Context(), kind, write{patch: types.JSONPatchType, data: `[{"op":"remove","path":"{c}/ports/2"}]`})
	if err := portside.RefusedBy(err, green.manager+"-guard'"); err != nil {
		t.Errorf("green removes a port of blue: %v", err)
	}
	err = green.tries(t.Context(), kind, write{patch: types.JSONPatchType, manager: blue.manager, data: `[{"op":"remove","path":"{pod}/containers/1/ports/0"}]`})
	if !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
		t.Errorf("green writes as blue: %v", err)
	}
	for _, i := range []*installation{blue, &green} {
		i.release(kind, false)
	}
	blue.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP")
	blue.expectPorts(kind, "sidecar")
}

// TestUnnamedPortsComeBack expects that portside can take its name off a static
// port that has none.
func TestUnnamedPortsComeBack(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	for _, kind := range workload.Kinds() {
		i.mustApply(i.argo(), declared(kind, static))
		i.mustApply(i.Manager(i.manager).In(i.workloads), `{apiVersion: apps/v1, kind: `+kind.Kind+`, metadata: {name: dittofs}, spec: {template: {spec: {
		  containers: [{name: dittofs, ports: [{name: adapter-nfs, containerPort: 2049, protocol: TCP}]}]}}}}`)
		i.expectPorts(kind, dittofs, "api:8080/TCP", "adapter-nfs:2049/TCP")
		i.reconcile(kind, at(nfs, 2049))
		i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP")
	}
}

// TestFieldOfAnotherManagerStays expects that a field of another manager stays when
// our port gets another name.
func TestFieldOfAnotherManagerStays(t *testing.T) {
	t.Parallel()
	i := installed(t, install.Options{})
	kind := workload.DaemonSet
	i.mustApply(i.argo(), declared(kind, static))
	i.reconcile(kind, nfs)
	patch := `[{"op":"add","path":"/spec/template/spec/containers/0/ports/2/hostPort","value":12049}]`
	if _, err := i.Manager(testenv.KubectlEdit).In(i.workloads).Patch(t.Context(), kind.Kind, "", dittofs, types.JSONPatchType, []byte(patch)); err != nil {
		t.Fatal(err)
	}
	i.reconcile(kind, at(smb, 12049))
	i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-smb:12049/TCP hostPort=12049")
}
