package apply_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// argoReplaces is the manager that Argo CD writes as with Replace=true.
const argoReplaces = "argocd-application-controller"

// creates makes the workload, with its static ports, by a create, which is an Update.
func creates(manager string) testenv.Do {
	return testenv.Do{What: manager + " creates", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		_, err := cp.Manager(manager).In(namespace).Create(ctx, declared(workload.StatefulSet, static))
		return err
	}}
}

// argoReplacing replaces the whole workload as Argo CD, with its static ports and an
// image.
func argoReplacing(image string) testenv.Update {
	return testenv.Update{Manager: argoReplaces, Mutate: func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, dittofs, static)
		testenv.EditContainer(w, dittofs, func(c map[string]any) { c["image"] = image })
		w.SetAnnotations(nil)
	}}
}

func replacedBy(manager string) []string {
	return []string{"ReplacesAll adapter-nfs:12049/TCP by " + manager + " (Update)"}
}

// TestWarningsOfReplacing: there is a warning from the creation on until the manager
// applies instead.
func TestWarningsOfReplacing(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]testenv.Step{
		"Argo CD created it, and applies server-side from now on": {
			creates(argoReplaces), warns(replacedBy(argoReplaces), nfs),
			argoReplacing("dittofs:2"), warns(replacedBy(argoReplaces), nfs),
			testenv.Apply{Manager: testenv.ArgoCD, Object: declared(workload.StatefulSet, static), Force: true}, warns(nil, nfs),
		},
		"Argo CD created it, and applies client-side from now on": {
			creates(argoReplaces), warns(replacedBy(argoReplaces), nfs), lastApplied(testenv.ArgoCD), warns(nil, nfs),
			argoReplacing("dittofs:1"), warns(replacedBy(argoReplaces), nfs),
		},
		"Argo CD applied it server-side, and replaces it from now on": {
			argo(static), argoReplacing("dittofs:1"), warns(nil, nfs),
			argoReplacing("dittofs:2"), warns(replacedBy(argoReplaces), nfs),
			testenv.Apply{Manager: testenv.ArgoCD, Object: declared(workload.StatefulSet, static), Force: true}, warns(nil, nfs),
		},
		"kubectl replace changed its ports": {
			creates("kubectl-create"), warns(nil, nfs), updates(testenv.KubectlReplace, "[{name: web, containerPort: 8081}]"),
			warns(replacedBy(testenv.KubectlReplace), nfs), argo(static), warns(nil, nfs),
		},
		"what it puts has the port": {
			creates(argoReplaces), updates(argoReplaces, "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"),
			warns([]string{"WritesToo adapter-nfs:12049/TCP by argocd-application-controller (Update)"}, nfs),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}

// owned returns an entry that owns fields of a container, given as JSON, and others.
func owned(manager string, operation metav1.ManagedFieldsOperationType, container, more string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fmt.Sprintf(
		`{"f:spec":{%s"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{%s}}}}}}`, more, container))}
}

// TestReplacing finds the managers that replace in managedFields and annotations.
func TestReplacing(t *testing.T) {
	t.Parallel()
	const (
		image, ports   = `"f:image":{}`, `"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}}`
		defaults, list = `"f:imagePullPolicy":{}`, `"f:ports":{".":{}}`
		selector       = `"f:selector":{},`
		update, ssa    = metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	)
	ofScale := owned(testenv.KubectlReplace, update, image, "")
	ofScale.Subresource = "scale"
	unreadable := owned(argoReplaces, update, `"f:image"`, "")
	for name, test := range map[string]struct {
		entries     []metav1.ManagedFieldsEntry
		annotations map[string]string
		want        []string
	}{
		"an image":                         {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, image, "")}, want: []string{argoReplaces}},
		"a port":                           {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, ports, "")}, want: []string{argoReplaces}},
		"neither":                          {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, defaults+","+list, selector)}},
		"another update":                   {entries: []metav1.ManagedFieldsEntry{owned(testenv.KubectlEdit, update, image, "")}},
		"an apply of the name":             {entries: []metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, ssa, image, "")}},
		"another subresource":              {entries: []metav1.ManagedFieldsEntry{ofScale}},
		"it cannot be read":                {entries: []metav1.ManagedFieldsEntry{unreadable}},
		"after client-side apply":          {entries: []metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, update, image, "")}, want: []string{testenv.ArgoCD}},
		"client-side apply":                {[]metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, update, image, "")}, map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}, nil},
		"one of Argo CD's two names":       {entries: []metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, update, image, ""), owned(argoReplaces, update, ports, "")}, want: []string{argoReplaces}},
		"two tools":                        {entries: []metav1.ManagedFieldsEntry{owned(testenv.KubectlReplace, update, image, ""), owned(argoReplaces, update, ports, "")}, want: []string{argoReplaces, testenv.KubectlReplace}},
		"an image that is applied now":     {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, image, ""), owned(alice, ssa, image, "")}},
		"an image that is applied no more": {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, image+","+ports, ""), owned(alice, ssa, ports, selector)}, want: []string{argoReplaces}},
		"a port of what is applied whole":  {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, ports, ""), owned(alice, ssa, image, selector)}},
		"a port of what is not":            {entries: []metav1.ManagedFieldsEntry{owned(argoReplaces, update, ports, ""), owned(testenv.Portside, ssa, ports, "")}, want: []string{argoReplaces}},
		"the object asks for it":           {[]metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, ssa, image, selector)}, map[string]string{"argocd.argoproj.io/sync-options": "Prune=false, Replace=true"}, []string{argoReplaces}},
		"it asks, and it was":              {[]metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, update, image, "")}, map[string]string{"argocd.argoproj.io/sync-options": "Replace=true"}, []string{testenv.ArgoCD}},
		"it asks after client-side apply": {
			[]metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, update, image, "")},
			map[string]string{"argocd.argoproj.io/sync-options": "Replace=true", corev1.LastAppliedConfigAnnotation: "{}"}, []string{argoReplaces},
		},
		"it asks for something else": {[]metav1.ManagedFieldsEntry{owned(testenv.ArgoCD, ssa, image, selector)}, map[string]string{"argocd.argoproj.io/sync-options": "Replace=false"}, nil},
		"it asks, but not Argo CD":   {[]metav1.ManagedFieldsEntry{owned(alice, ssa, image, selector)}, map[string]string{"argocd.argoproj.io/sync-options": "Replace=true"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := read(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{ManagedFields: test.entries, Annotations: test.annotations}})
			for what, observed := range map[string]*workload.Workload{"whole": w, "reduced": trimmed(w, testenv.Portside)} {
				var got []string
				for _, m := range observed.Writers.Replacing {
					if m.Operation != update {
						t.Errorf("%s: replaced by %s", what, m)
					}
					got = append(got, m.Name)
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("%s: replaced by %q, want %q", what, got, test.want)
				}
			}
		})
	}
}

// TestAdviceAboutReplacing: a warning names the manager, the port and what to do.
func TestAdviceAboutReplacing(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	for manager, says := range map[string]string{
		argoReplaces:           "ServerSideApply=true in place of Replace=true",
		testenv.KubectlReplace: "kubectl apply --server-side --force-conflicts",
	} {
		namespace := cp.Namespace(t)
		cp.Manager(manager).In(namespace).MustCreate(t, declared(workload.StatefulSet, static))
		result, err := newApplier(t, cp).Apply(t.Context(), workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}, apply.Desired{Adapters: []apply.Adapter{nfs}})
		if err != nil || len(result.Warnings) != 1 {
			t.Fatalf("%d warnings, %v", len(result.Warnings), err)
		}
		for _, part := range []string{manager + " (Update)", "adapter-nfs:12049/TCP", says} {
			if !strings.Contains(result.Warnings[0].Message, part) {
				t.Errorf("no %q in: %s", part, result.Warnings[0].Message)
			}
		}
	}
}
