package apply_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

func read(object runtime.Object) *apply.Workload {
	switch o := object.(type) {
	case *appsv1.StatefulSet:
		return apply.ReadStatefulSet(o)
	case *appsv1.Deployment:
		return apply.ReadDeployment(o)
	case *appsv1.DaemonSet:
		return apply.ReadDaemonSet(o)
	}
	return nil
}

// trimsWell fails unless decisions about the trimmed object are the same.
func trimsWell(t interface{ Fatalf(string, ...any) }, object runtime.Object) {
	trimmed := object.DeepCopyObject()
	if err := apply.TrimObject(trimmed, testenv.Portside); err != nil {
		t.Fatalf("%v", err)
	}
	got, want := read(trimmed).Trimmed(testenv.Portside), read(object).Trimmed(testenv.Portside)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("trimmed it is\n%+v\nnot\n%+v", got, want)
	}
	again := trimmed.DeepCopyObject()
	if err := apply.TrimObject(again, testenv.Portside); err != nil || !reflect.DeepEqual(again, trimmed) {
		t.Fatalf("trimmed twice it is\n%+v, %v\nnot\n%+v", again, err, trimmed)
	}
}

// TestTrimObject of managedFields that are random, also such as no server writes.
func TestTrimObject(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) { trimsWell(r, randomStatefulSet(r)) })
}

func TestTrimObjectKinds(t *testing.T) {
	t.Parallel()
	meta := func(change func(*metav1.ObjectMeta)) metav1.ObjectMeta {
		m := metav1.ObjectMeta{
			Namespace: "storage", Name: "files", UID: "1", ResourceVersion: "7", Generation: 3, Labels: map[string]string{"app": "files"},
			Annotations: map[string]string{"example.com/notes": "a long text"},
		}
		change(&m)
		return m
	}
	entry := func(manager string, operation metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{
			Manager: manager, Operation: operation, APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
		}
	}
	const whole = `{"f:metadata":{"f:annotations":{"f:kubectl.kubernetes.io/last-applied-configuration":{}}},
		"f:spec":{"f:selector":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:image":{},"f:name":{}}}}}}}`
	metas := map[string]func(*metav1.ObjectMeta){
		"plain":  func(*metav1.ObjectMeta) {},
		"paused": func(m *metav1.ObjectMeta) { m.Annotations[apply.PausedAnnotation] = "true" },
		"applied client side": func(m *metav1.ObjectMeta) {
			m.Annotations[corev1.LastAppliedConfigAnnotation] = "{}"
			m.ManagedFields = []metav1.ManagedFieldsEntry{entry("kubectl-client-side-apply", "Update", whole)}
		},
		"replaced": func(m *metav1.ObjectMeta) {
			m.ManagedFields = []metav1.ManagedFieldsEntry{entry("kubectl-replace", "Update", whole), entry(testenv.Portside, "Apply", `{"f:spec":{"f:replicas":{}}}`)}
		},
		"to be replaced by Argo CD": func(m *metav1.ObjectMeta) {
			m.Annotations["argocd.argoproj.io/sync-options"] = "Prune=false,Replace=true"
			m.ManagedFields = []metav1.ManagedFieldsEntry{entry("argocd-controller", "Apply", `{"f:metadata":{"f:labels":{"f:app":{}}}}`)}
		},
		"with the status of a controller": func(m *metav1.ObjectMeta) {
			status := entry("kube-controller-manager", "Update", `{"f:status":{"f:replicas":{}}}`)
			status.Subresource = "status"
			m.ManagedFields = []metav1.ManagedFieldsEntry{status}
		},
	}
	named, numbered := intstr.FromString("adapter-nfs"), intstr.FromInt32(8080)
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{apply.DefaultContainerAnnotation: "server", "example.com/more": "text"}},
		Spec: corev1.PodSpec{
			HostNetwork: true, InitContainers: []corev1.Container{{Name: "init", Image: "example.com/init:1"}},
			Containers: []corev1.Container{{
				Name: "server", Image: "example.com/files:1", Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: 8080, Protocol: "TCP", HostPort: 1}},
				LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: numbered, Path: "/"}}, PeriodSeconds: 5},
				ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: named, Path: "/"}}},
				StartupProbe:   &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("api")}}},
				Lifecycle:      &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("stop")}}},
			}, {Name: "sidecar", Lifecycle: &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{}}}}},
		},
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "files"}}
	two := int32(2)
	for name, change := range metas {
		for kind, object := range map[string]runtime.Object{
			"StatefulSet": &appsv1.StatefulSet{
				ObjectMeta: meta(change),
				Spec: appsv1.StatefulSetSpec{Replicas: &two, Selector: selector, Template: template, ServiceName: "files", UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
					Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}}},
				Status: appsv1.StatefulSetStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1, CurrentRevision: "files-1"},
			},
			"Deployment": &appsv1.Deployment{
				ObjectMeta: meta(change), Spec: appsv1.DeploymentSpec{Replicas: &two, Selector: selector, Template: template, ProgressDeadlineSeconds: new(int32(600))},
				Status: appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2, Conditions: []appsv1.DeploymentCondition{
					{Type: appsv1.DeploymentAvailable, Status: "True", Message: "a long text"}, {Type: "Other"},
					{Type: appsv1.DeploymentProgressing, Status: "False", Reason: "ProgressDeadlineExceeded"}}},
			},
			"DaemonSet": &appsv1.DaemonSet{
				ObjectMeta: meta(change), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template, UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}},
				Status: appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 2, CurrentNumberScheduled: 2, UpdatedNumberScheduled: 1, NumberReady: 1, NumberAvailable: 1},
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				trimsWell(t, object)
				trimmed := object.DeepCopyObject()
				if err := apply.TrimObject(trimmed, testenv.Portside); err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(trimmed)
				if err != nil {
					t.Fatal(err)
				}
				for _, dropped := range []string{"a long text", "example.com", "files-1"} {
					if strings.Contains(string(text), dropped) {
						t.Errorf("%q is kept: %s", dropped, text)
					}
				}
			})
		}
	}
	if err := apply.TrimObject(&corev1.Pod{}, ""); err == nil {
		t.Error("a pod is trimmed")
	}
}
