package workload_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestAwaits(t *testing.T) {
	t.Parallel()
	get := func(port string) *corev1.HTTPGetAction { return &corev1.HTTPGetAction{Port: intstr.Parse(port)} }
	open := func(port string) *corev1.TCPSocketAction { return &corev1.TCPSocketAction{Port: intstr.Parse(port)} }
	probe := func(get *corev1.HTTPGetAction, open *corev1.TCPSocketAction) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: get, TCPSocket: open}}
	}
	for name, c := range map[string]struct {
		container corev1.Container
		want      []string
	}{
		"nothing":   {corev1.Container{}, nil},
		"liveness":  {corev1.Container{LivenessProbe: probe(get("api"), nil)}, []string{"api"}},
		"readiness": {corev1.Container{ReadinessProbe: probe(nil, open("adapter-nfs"))}, []string{"adapter-nfs"}},
		"startup":   {corev1.Container{StartupProbe: probe(get("api"), nil)}, []string{"api"}},
		"lifecycle": {corev1.Container{Lifecycle: &corev1.Lifecycle{
			PostStart: &corev1.LifecycleHandler{HTTPGet: get("start")}, PreStop: &corev1.LifecycleHandler{TCPSocket: open("stop")},
		}}, []string{"start", "stop"}},
		"half a lifecycle": {corev1.Container{Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: get("stop")}}}, []string{"stop"}},
		"a number":         {corev1.Container{LivenessProbe: probe(get("8080"), nil), ReadinessProbe: probe(nil, open("12049"))}, nil},
		"a command": {corev1.Container{LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{}}},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 1}}}}, nil},
		"sorted, each once": {corev1.Container{LivenessProbe: probe(get("web"), nil), ReadinessProbe: probe(get("api"), nil), StartupProbe: probe(nil, open("web"))},
			[]string{"api", "web"}},
	} {
		s := &appsv1.StatefulSet{}
		s.Spec.Template.Spec.Containers = []corev1.Container{c.container, {Name: "other"}}
		w := read(t, s)
		if got := w.Containers[0].ProbePorts; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if other := w.Containers[1].ProbePorts; len(other) > 0 {
			t.Errorf("%s: another container has %q", name, other)
		}
		if kept := trimmed(t, w).Containers[0].ProbePorts; !slices.Equal(kept, c.want) {
			t.Errorf("%s: reduced %q, want %q", name, kept, c.want)
		}
	}
}
