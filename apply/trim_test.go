package apply_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// reducesWell: the reduced look says what the whole one says.
func reducesWell(applier *apply.Applier, look *workload.Workload, want apply.Desired) error {
	reduced := look.Trimmed(testenv.Portside)
	for i := range look.Containers {
		name := look.Containers[i].Name
		want.Container = name
		whole, wholeErr := decide(applier, look, want)
		small, smallErr := decide(applier, reduced, want)
		if text(wholeErr) != text(smallErr) || wholeErr == nil && !samePlan(whole, small) {
			return fmt.Errorf("the plan for %s is\n%+v, %w; reduced\n%+v, %w", name, whole, wholeErr, small, smallErr)
		}
		wholePorts, wholeErr := ownPorts(applier, look, name)
		smallPorts, smallErr := ownPorts(applier, reduced, name)
		if !slices.Equal(wholePorts, smallPorts) || text(wholeErr) != text(smallErr) {
			return fmt.Errorf("ours in %s are %v, %w; reduced %v, %w", name, wholePorts, wholeErr, smallPorts, smallErr)
		}
		if _, err := foretell(applier, look, want); err != nil {
			return err
		}
	}
	whole, wholeErr := apply.Owners(look)
	small, smallErr := apply.Owners(reduced)
	if !reflect.DeepEqual(whole, small) || text(wholeErr) != text(smallErr) {
		return fmt.Errorf("owners %+v, %w; reduced %+v, %w", whole, wholeErr, small, smallErr)
	}
	if applier.HasClaim(look) != applier.HasClaim(reduced) {
		return fmt.Errorf("we hold something: %t; reduced %t", applier.HasClaim(look), applier.HasClaim(reduced))
	}
	if again := reduced.Trimmed(testenv.Portside); !reflect.DeepEqual(again, reduced) {
		return fmt.Errorf("reduced once more it is\n%+v, was\n%+v", again, reduced)
	}
	return nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestReducedSaysTheSame of random managedFields, also such as no server writes.
func TestReducedSaysTheSame(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stood, stoodNot := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		w := randomWorkload(r)
		var adapters []apply.Adapter
		for _, name := range []string{"nfs", "smb"} {
			if rapid.Bool().Draw(r, name) {
				adapters = append(adapters, apply.Adapter{Type: name, Port: rapid.SampledFrom(numbers).Draw(r, "port")})
			}
		}
		if err := reducesWell(applier, w, apply.Desired{Adapters: adapters}); err != nil {
			r.Fatal(err)
		}
		if _, stands, _ := upToDate(applier, w, apply.Desired{Container: dittofs, Adapters: adapters}); stands {
			stood++
		} else {
			stoodNot++
		}
	})
	if stood == 0 || stoodNot == 0 {
		t.Errorf("%d of the random looks stand and %d do not", stood, stoodNot)
	}
}

// randomWorkload has entries of paths that are drawn from few, so that they meet.
func randomWorkload(r *rapid.T) *workload.Workload {
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: dittofs, UID: "1", ResourceVersion: "7"}}
	for _, name := range []string{dittofs, "sidecar"}[:rapid.IntRange(1, 2).Draw(r, "containers")] {
		c := corev1.Container{Name: name}
		for _, number := range numbers[:rapid.IntRange(0, 2).Draw(r, "live")] {
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
	return read(s)
}

// randomFields are what an apply of ours comes to own, with other paths added
// or some taken out.
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
		for _, number := range numbers[:rapid.IntRange(0, 2).Draw(r, "of ports")] {
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

func TestReducedOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &workload.Workload{Target: workload.Target{Kind: workload.StatefulSet}, Containers: []workload.Container{{Name: dittofs}}, ManagedFields: []metav1.ManagedFieldsEntry{
		{Manager: "status", Operation: "Update", Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
		{Manager: alice, Operation: "Apply", FieldsV1: metav1.NewFieldsV1(`{"f:spec"`)},
	}}
	if _, err := apply.Owners(w); err == nil {
		t.Fatal("it can be read")
	}
	if err := reducesWell(applier, w, apply.Desired{}); err != nil {
		t.Error(err)
	}
}

// TestReducedKeepsLittle: what no decision depends on is gone, and nothing is
// shared with what was read.
func TestReducedKeepsLittle(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 100) + "dittofs/api/TCP/127.0.0.1/7/nfs"
	part := func(s string) string { at := strings.Index(big, s); return big[at : at+len(s)] }
	ports := make([]corev1.ContainerPort, 1, 100)
	ports[0] = corev1.ContainerPort{Name: part("api"), ContainerPort: 8080, Protocol: corev1.Protocol(part("TCP")), HostIP: part("127.0.0.1")}
	now := metav1.Now()
	w := &workload.Workload{
		Target: workload.Target{Kind: workload.StatefulSet, Namespace: part("dittofs"), Name: part("dittofs")}, UID: "1", ResourceVersion: part("7"), Generation: 3,
		HostNetwork: true, Paused: true, DefaultContainer: part("dittofs"), Selector: part("dittofs"), Restarts: 2, Rollout: workload.Rollout{UnderWay: true},
		Containers:     []workload.Container{{Name: part("dittofs"), Ports: ports, ProbePorts: []string{part("nfs")}}},
		InitContainers: []string{part("api")},
		ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "argocd-controller", Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &now, FieldsV1: metav1.NewFieldsV1(
				`{"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}},"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:image":{},"f:name":{}}}}}}}`)},
			{Manager: "kube-controller-manager", Operation: "Update", APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &now, Subresource: "status",
				FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:replicas":{}}}`)},
			{Manager: testenv.Portside, Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &now, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)},
		},
	}
	r := w.Trimmed(testenv.Portside)
	want := *w
	want.TrimmedFor, want.ManagedFields = testenv.Portside, []metav1.ManagedFieldsEntry{
		{Manager: "argocd-controller", Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(
			`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{}}}}}}}`)},
		// Our own stays whole: what else is in it must be known.
		{Manager: testenv.Portside, Operation: "Apply", APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)},
	}
	if got, expected := fmt.Sprintf("%+v", *r), fmt.Sprintf("%+v", want); got != expected {
		t.Errorf("reduced\n%s\nwant\n%s", got, expected)
	}
	if cap(r.Containers[0].Ports) != 1 {
		t.Errorf("room for %d ports", cap(r.Containers[0].Ports))
	}
	p := r.Containers[0].Ports[0]
	for _, s := range []string{r.Namespace, r.Name, r.ResourceVersion, r.DefaultContainer, r.Selector, r.Containers[0].Name, r.Containers[0].ProbePorts[0], r.InitContainers[0], p.Name, string(p.Protocol), p.HostIP} {
		if within(s, big) {
			t.Errorf("%q is a part of what was read", s)
		}
	}
}

// within tells whether a string shares the memory of another.
func within(s, big string) bool {
	at, begin := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.StringData(big)))
	return at >= begin && at < begin+uintptr(len(big))
}
