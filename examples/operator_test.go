package examples_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

const (
	dittofs           = "dittofs" // name of the DittoServer, the StatefulSet and its container
	recordings        = "testenv/dittofs/operator-v0.29/"
	operatorManager   = "manager"
	operatorFinalizer = "dittofs.dittofs.com/finalizer"
)

// operator plays the operator of DittoFS v0.29. It runs while its Deployment has a pod.
// As long as there is a DittoServer it creates what was recorded, and makes itself the
// owner again and undoes changes of the StatefulSet where it was recorded to do so. It
// removes its finalizer from a DittoServer that is being deleted.
type operator struct {
	cp             *testenv.ControlPlane
	manager        *testenv.Manager
	namespace, own string // of the DittoServer, and of the operator
	client         kubernetes.Interface
	objects        []*unstructured.Unstructured
	dittoServer    *unstructured.Unstructured
}

// startOperator creates a DittoServer and the operator's Deployment, and waits until the
// StatefulSet runs. The operator runs until the end of the test.
func startOperator(t *testing.T, cp *testenv.ControlPlane) *operator {
	t.Helper()
	client, err := kubernetes.NewForConfig(cp.Config())
	must(t, err)
	o := &operator{cp: cp, namespace: cp.Namespace(t), own: cp.Namespace(t), client: client}
	o.manager = cp.Manager(operatorManager).In(o.namespace)
	for _, object := range recorded(t, "fresh.yaml") {
		o.objects = append(o.objects, declared(object))
	}
	o.objects = append(o.objects, declared(read(t, documents(t, "dittofs/configmap.yaml")[0])))
	for _, name := range []string{"jwt-secret", "admin-bootstrap-credentials", "operator-credentials"} {
		o.objects = append(o.objects, read(t, []byte("{apiVersion: v1, kind: Secret, metadata: {name: dittofs-"+name+"}, stringData: {key: secret}}")))
	}
	o.dittoServer = declared(recorded(t, "dittoserver.yaml")[0])
	git := cp.Manager("helm")
	git.In(o.own).MustApply(t, operatorDeployment)
	git.In(o.namespace).MustApply(t, o.dittoServer)

	var running sync.WaitGroup
	running.Go(func() { wait.UntilWithContext(t.Context(), o.reconcileIfRunning, 500*time.Millisecond) })
	t.Cleanup(running.Wait) // the context ends before
	testenv.Eventually(t, "the operator to create everything", func(ctx context.Context) error {
		for _, object := range o.objects {
			if _, err := o.get(ctx, object); err != nil {
				return err
			}
		}
		return nil
	})
	cp.WaitRolledOut(t, "StatefulSet", o.namespace, dittofs)
	return o
}

const (
	operatorName       = "dittofs-operator-controller-manager"
	operatorPods       = "control-plane=controller-manager"
	operatorDeployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: ` + operatorName + `}, spec: {replicas: 1,
	  selector: {matchLabels: {control-plane: controller-manager}},
	  template: {metadata: {labels: {control-plane: controller-manager}},
	    spec: {containers: [{name: manager, image: "dittofs-operator:v0.29.0"}]}}}}`
)

// installDittoServer installs the CRD, and waits until the garbage collector knows it,
// which looks for new kinds every 30 seconds.
func installDittoServer(t *testing.T, cp *testenv.ControlPlane) {
	t.Helper()
	path, err := testenv.ModuleFile(recordings + "crd.yaml")
	must(t, err)
	must(t, cp.InstallCRD(t.Context(), path))
	namespace := cp.Namespace(t)
	cp.Manager("probe").In(namespace).MustApply(t, "{apiVersion: dittofs.dittofs.com/v1alpha1, kind: DittoServer, metadata: {name: probe}}")
	cp.MustKubectl(t, namespace, "", "delete", "dittoserver", "probe", "--cascade=orphan", "--timeout=90s")
}

// recorded returns the objects of a recording.
func recorded(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	path, err := testenv.ModuleFile(recordings + file)
	must(t, err)
	text, err := os.ReadFile(filepath.Clean(path))
	must(t, err)
	document := read(t, text)
	if !document.IsList() {
		return []*unstructured.Unstructured{document}
	}
	list, err := document.ToList()
	must(t, err)
	var objects []*unstructured.Unstructured
	for _, item := range list.Items {
		objects = append(objects, &item)
	}
	return objects
}

// declared returns what a client sent of an object, without what the API server assigns.
func declared(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	metadata := map[string]any{"name": object.GetName()}
	if labels, found, _ := unstructured.NestedMap(object.Object, "metadata", "labels"); found {
		metadata["labels"] = labels
	}
	object.Object["metadata"] = metadata
	delete(object.Object, "status")
	if object.GetKind() != "Service" {
		return object
	}
	assigned := []string{"clusterIPs", "ipFamilies", "ipFamilyPolicy", "clusterIP"}
	if address, _, _ := unstructured.NestedString(object.Object, "spec", "clusterIP"); address == "None" {
		assigned = assigned[:3]
	}
	for _, field := range assigned {
		unstructured.RemoveNestedField(object.Object, "spec", field)
	}
	ports, _, _ := unstructured.NestedSlice(object.Object, "spec", "ports")
	for _, port := range ports {
		if p, is := port.(map[string]any); is {
			delete(p, "nodePort")
		}
	}
	_ = unstructured.SetNestedSlice(object.Object, ports, "spec", "ports") // spec is a map
	return object
}

func (o *operator) get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return o.manager.Get(ctx, object.GetKind(), o.namespace, object.GetName())
}

func (o *operator) reconcileIfRunning(ctx context.Context) {
	pods, err := o.client.CoreV1().Pods(o.own).List(ctx, metav1.ListOptions{LabelSelector: operatorPods})
	if err == nil && len(pods.Items) > 0 {
		_ = o.reconcile(ctx) // the next reconcile tries again
	}
}

func (o *operator) reconcile(ctx context.Context) error {
	owner, err := o.get(ctx, o.dittoServer)
	if err != nil {
		return err
	}
	finalizers := owner.GetFinalizers()
	switch has := slices.Contains(finalizers, operatorFinalizer); {
	case owner.GetDeletionTimestamp() != nil && !has:
		return nil
	case owner.GetDeletionTimestamp() != nil:
		finalizers = slices.DeleteFunc(finalizers, func(f string) bool { return f == operatorFinalizer })
		return o.update(ctx, owner, func(live *unstructured.Unstructured) { live.SetFinalizers(finalizers) })
	case !has:
		return o.update(ctx, owner, func(live *unstructured.Unstructured) {
			live.SetFinalizers(append(finalizers, operatorFinalizer))
		})
	}
	for _, object := range o.objects {
		if err := o.ensure(ctx, object, owner); err != nil {
			return err
		}
	}
	return nil
}

func (o *operator) update(ctx context.Context, object *unstructured.Unstructured, mutate func(*unstructured.Unstructured)) error {
	_, err := o.manager.Update(ctx, object.GetKind(), o.namespace, object.GetName(), mutate)
	return err
}

// ensure creates an object, or changes it back. An owner reference that is taken off what
// belongs to one adapter stays off. The operator writes its credentials each time.
func (o *operator) ensure(ctx context.Context, object, owner *unstructured.Unstructured) error {
	reference := []metav1.OwnerReference{*metav1.NewControllerRef(owner, owner.GroupVersionKind())}
	live, err := o.get(ctx, object)
	if apierrors.IsNotFound(err) {
		created := object.DeepCopy()
		created.SetOwnerReferences(reference)
		_, err = o.manager.Create(ctx, created)
		return err
	}
	if err != nil {
		return err
	}
	credentials := strings.HasSuffix(object.GetName(), "operator-credentials")
	orphaned := len(live.GetOwnerReferences()) == 0 && !strings.HasPrefix(object.GetName(), dittofs+"-adapter-")
	if !credentials && !orphaned && object.GetKind() != "StatefulSet" {
		return nil
	}
	return o.update(ctx, object, func(live *unstructured.Unstructured) {
		if orphaned {
			live.SetOwnerReferences(reference)
		}
		switch {
		case object.GetKind() == "StatefulSet":
			live.Object["spec"] = object.DeepCopy().Object["spec"]
		case credentials:
			live.Object["stringData"] = map[string]any{"access-token": time.Now().String()}
		}
	})
}
