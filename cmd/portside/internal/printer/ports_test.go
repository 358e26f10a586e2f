package printer

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	list := func(names string) []string { return strings.Split(names, "") }
	for _, test := range []struct{ before, after, want string }{
		{"", "", ""},
		{"abc", "abc", " a b c"},
		{"abc", "", "-a-b-c"},
		{"", "ab", "+a+b"},
		{"abc", "acd", " a-b c+d"},
		{"ab", "ba", "-a b+a"},
	} {
		var got strings.Builder
		steps := compare(list(test.before), list(test.after))
		for _, s := range steps {
			got.WriteByte(byte(s.edit))
			got.WriteString(s.port)
		}
		if got.String() != test.want {
			t.Errorf("%q to %q: %q, not %q", test.before, test.after, got.String(), test.want)
		}
		if changed(steps) != (test.before != test.after) {
			t.Errorf("%q to %q: changed is %v", test.before, test.after, changed(steps))
		}
	}
}

func TestContainerPort(t *testing.T) {
	t.Parallel()
	full := corev1.ContainerPort{ContainerPort: 80, Protocol: corev1.ProtocolUDP, HostPort: 8080, HostIP: "10.0.0.1"}
	if got := ContainerPort(full); got != "<none> 80/UDP hostPort=8080 hostIP=10.0.0.1" {
		t.Error(got)
	}
}

func TestServicePort(t *testing.T) {
	t.Parallel()
	protocol := "example.com/nfs"
	full := corev1.ServicePort{Name: "adapter-nfs", Port: 2049, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(12049), NodePort: 32049, AppProtocol: &protocol}
	if got := ServicePort(full); got != "adapter-nfs 2049/TCP targetPort=12049 nodePort=32049 appProtocol=example.com/nfs" {
		t.Error(got)
	}
}
