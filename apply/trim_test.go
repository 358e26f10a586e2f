package apply_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/histories"
)

// sameTrimmed returns an error unless a trimmed observation leads to the same decisions
// as the whole one.
func sameTrimmed(applier *apply.Applier, observed *workload.Workload, want apply.Desired) error {
	reduced := trimmed(observed, testenv.Portside)
	for i := range observed.Containers {
		name := observed.Containers[i].Name
		want.Container = name
		whole, wholeErr := decide(applier, observed, want)
		small, smallErr := decide(applier, reduced, want)
		if text(wholeErr) != text(smallErr) || wholeErr == nil && !samePlan(whole, small) {
			return fmt.Errorf("the plan for %s is\n%+v, %w; reduced\n%+v, %w", name, whole, wholeErr, small, smallErr)
		}
		wholePorts, wholeErr := ownPorts(applier, observed, name)
		smallPorts, smallErr := ownPorts(applier, reduced, name)
		if !slices.Equal(wholePorts, smallPorts) || text(wholeErr) != text(smallErr) {
			return fmt.Errorf("ours in %s are %v, %w; reduced %v, %w", name, wholePorts, wholeErr, smallPorts, smallErr)
		}
		if _, err := foresee(applier, observed, want); err != nil {
			return err
		}
	}
	whole, wholeErr := apply.Owners(observed)
	small, smallErr := apply.Owners(reduced)
	if !reflect.DeepEqual(whole, small) || text(wholeErr) != text(smallErr) {
		return fmt.Errorf("owners %+v, %w; reduced %+v, %w", whole, wholeErr, small, smallErr)
	}
	if applier.HasClaim(observed) != applier.HasClaim(reduced) {
		return fmt.Errorf("we hold something: %t; reduced %t", applier.HasClaim(observed), applier.HasClaim(reduced))
	}
	return nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTrimKeepsDecisions has random managedFields, also some that no server writes.
func TestTrimKeepsDecisions(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	unchanged, stoodNot := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		w := randomWorkload(r)
		var adapters []apply.Adapter
		for _, name := range []string{"nfs", "smb"} {
			if rapid.Bool().Draw(r, name) {
				adapters = append(adapters, apply.Adapter{Type: name, Port: rapid.SampledFrom(histories.Numbers).Draw(r, "port")})
			}
		}
		if err := sameTrimmed(applier, w, apply.Desired{Adapters: adapters}); err != nil {
			r.Fatal(err)
		}
		if _, current, _ := upToDate(applier, w, apply.Desired{Container: dittofs, Adapters: adapters}); current {
			unchanged++
		} else {
			stoodNot++
		}
	})
	if unchanged == 0 || stoodNot == 0 {
		t.Errorf("%d of the random observations stand and %d do not", unchanged, stoodNot)
	}
}

func randomWorkload(r *rapid.T) *workload.Workload {
	return read(randomStatefulSet(r))
}

// randomStatefulSet draws entries from few paths, so that they overlap.
func randomStatefulSet(r *rapid.T) *appsv1.StatefulSet {
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: dittofs, UID: "1", ResourceVersion: "7"}}
	for _, name := range []string{dittofs, "sidecar"}[:rapid.IntRange(1, 2).Draw(r, "containers")] {
		c := corev1.Container{Name: name}
		for _, number := range histories.Numbers[:rapid.IntRange(0, 2).Draw(r, "live")] {
			c.Ports = append(c.Ports, corev1.ContainerPort{
				Name: rapid.SampledFrom([]string{"", "adapter-nfs", "adapter-smb", "api"}).Draw(r, "name"), ContainerPort: int32(number), Protocol: "TCP",
			})
		}
		s.Spec.Template.Spec.Containers = append(s.Spec.Template.Spec.Containers, c)
	}
	for _, manager := range []string{testenv.Portside, alice, testenv.ArgoCD}[:rapid.IntRange(0, 3).Draw(r, "entries")] {
		s.ManagedFields = append(s.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: manager, APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &metav1.Time{},
			Operation:   rapid.SampledFrom([]metav1.ManagedFieldsOperationType{"Apply", "Apply", "Update"}).Draw(r, "operation"),
			Subresource: rapid.SampledFrom([]string{"", "", "status"}).Draw(r, "subresource"),
			FieldsV1:    metav1.NewFieldsV1(randomFields(r)),
		})
	}
	return s
}

// randomFields returns the paths that an apply of ours owns, with others added and some
// removed.
func randomFields(r *rapid.T) string {
	if rapid.IntRange(0, 9).Draw(r, "empty") == 0 {
		return "{}"
	}
	some := func(parts ...string) string {
		var drawn []string
		for _, part := range parts {
			if rapid.IntRange(0, 3).Draw(r, part) > 0 {
				drawn = append(drawn, part)
			}
		}
		return strings.Join(drawn, ",")
	}
	odd := func(part string) string {
		if rapid.IntRange(0, 5).Draw(r, part) > 0 {
			return ""
		}
		return part + ","
	}
	var containers []string
	for _, name := range []string{dittofs, "sidecar"}[:rapid.IntRange(0, 2).Draw(r, "of containers")] {
		var ports []string
		for _, number := range histories.Numbers[:rapid.IntRange(0, 2).Draw(r, "of ports")] {
			item := some(`".":{}`, `"f:containerPort":{}`, `"f:name":{}`, `"f:protocol":{}`)
			ports = append(ports, fmt.Sprintf(`"k:{\"containerPort\":%d,\"protocol\":\"TCP\"}":{%s}`, number, item))
		}
		list := fmt.Sprintf(`"f:ports":{%s}`, strings.Join(ports, ","))
		fields := odd(`"f:image":{}`) + odd(`"f:resources":{"f:limits":{"f:memory":{}}}`) + odd(`"v:1":{}`) + some(`".":{}`, `"f:name":{}`, list)
		containers = append(containers, fmt.Sprintf(`"k:{\"name\":\"%s\"}":{%s}`, name, strings.TrimSuffix(fields, ",")))
	}
	fields := fmt.Sprintf(`{%s"f:spec":{%s"f:template":{"f:spec":{%s"f:containers":{%s}}}}}`,
		odd(`"f:metadata":{"f:labels":{"f:app":{}}}`), odd(`"f:replicas":{}`), odd(`"f:hostNetwork":{}`), strings.Join(containers, ","))
	if !json.Valid([]byte(fields)) {
		r.Fatalf("not JSON: %s", fields)
	}
	return fields
}

func TestTrimUnreadable(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := withPorts([]metav1.ManagedFieldsEntry{
		{Manager: "status", Operation: "Update", Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
		{Manager: alice, Operation: "Apply", FieldsV1: metav1.NewFieldsV1(`{"f:spec"`)},
	})
	if _, err := apply.Owners(w); err == nil {
		t.Fatal("it can be read")
	}
	if err := sameTrimmed(applier, w, apply.Desired{}); err != nil {
		t.Error(err)
	}
}

// TestTrimSize: fields that no decision or warning depends on are removed.
func TestTrimSize(t *testing.T) {
	t.Parallel()
	now := metav1.Now()
	object := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: dittofs, ManagedFields: []metav1.ManagedFieldsEntry{
		{Manager: "argocd-controller", Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &now, FieldsV1: metav1.NewFieldsV1(
			`{"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}},"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{},"f:resources":{}}}}}}}`)},
		{Manager: "kube-controller-manager", Operation: "Update", APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &now, Subresource: "status",
			FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:replicas":{}}}`)},
		{Manager: testenv.Portside, Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &now, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)},
	}}}
	want := []metav1.ManagedFieldsEntry{
		{Manager: "argocd-controller", Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(
			`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{}}}}}}}`)},
		// Our own stays whole: what else is in it must be known.
		{Manager: testenv.Portside, Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)},
	}
	if got := trimmed(read(object), testenv.Portside).ManagedFields; !reflect.DeepEqual(got, want) {
		t.Errorf("managedFields are\n%v\nwant\n%v", got, want)
	}
}

// trimsWell fails unless the trimmed workload equals the whole one, except for managedFields
// and the annotation of client-side apply.
func trimsWell(t interface{ Fatalf(string, ...any) }, object workload.Object) {
	got, want := *trimmed(read(object), testenv.Portside), *read(object)
	got.TrimmedFor, got.ManagedFields, want.ManagedFields = "", nil, nil
	want.Writers = want.Writers.Trimmed()
	if !got.Equal(&want) {
		t.Fatalf("trimmed it is\n%+v\nnot\n%+v", got, want)
	}
}

// TestTrim has random managedFields, also some that no server writes.
func TestTrim(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) { trimsWell(r, randomStatefulSet(r)) })
}

func TestTrimKinds(t *testing.T) {
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
		"paused": func(m *metav1.ObjectMeta) { m.Annotations[workload.PausedAnnotation] = "true" },
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
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"kubectl.kubernetes.io/default-container": "server", "example.com/more": "text"}},
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
		for kind, object := range map[string]workload.Object{
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
				text, err := json.Marshal(trimmed(read(object), testenv.Portside))
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
	if _, err := workload.ReadTrimmed(&corev1.Pod{}, testenv.Portside); err == nil {
		t.Error("a pod is read")
	}
}
