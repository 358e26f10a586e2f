package printer

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	port := func(name rune) corev1.ContainerPort {
		return corev1.ContainerPort{Name: string(name), ContainerPort: name, Protocol: corev1.ProtocolTCP}
	}
	list := func(names string) (all []corev1.ContainerPort) {
		for _, name := range names {
			all = append(all, port(name))
		}
		return all
	}
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
			got.WriteString(s.port.Name)
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
