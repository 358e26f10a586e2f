package memserver_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/memserver"
)

func service(spec string) string {
	return "{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {" + spec + "}}"
}

// TestRefusals has the messages of kube-apiserver.
func TestRefusals(t *testing.T) {
	t.Parallel()
	pod := func(ports ...string) any { return fixture.StatefulSet("files", fixture.Container("server", ports...)) }
	const of = "spec.template.spec.containers[0].ports"
	for name, test := range map[string]struct {
		object any
		want   []string
	}{
		"two ports with one name (fact 4)":     {pod("nfs:1/TCP", "nfs:2/TCP"), []string{of + `[1].name: Duplicate value: "nfs"`}},
		"a long name (fact 11)":                {pod("adapter-portmapper:1/TCP"), []string{of + `[0].name: Invalid value: "adapter-portmapper": must be no more than 15 characters`}},
		"a name without a letter (fact 11)":    {pod("123:1/TCP"), []string{`must contain at least one letter (a-z)`}},
		"a number that is too large (fact 11)": {pod("nfs:70000/TCP"), []string{of + `[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`}},
		"a protocol in lower case (fact 11)":   {pod("nfs:1/tcp"), []string{of + `[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`}},
		"a container without an image (fact 8)": {fixture.PortsOf("StatefulSet", "files", "server", "nfs:1/TCP"), []string{
			"spec.template.spec.containers[0].image: Required value"}},
		"a Service without a port":          {service("ports: []"), []string{"spec.ports: Required value"}},
		"a port without a name next to one": {service("ports: [{port: 1}, {name: nfs, port: 2}]"), []string{"spec.ports[0].name: Required value"}},
		"two ports of a Service with one name": {service("ports: [{name: nfs, port: 1}, {name: nfs, port: 2}]"), []string{
			`spec.ports[1].name: Duplicate value: "nfs"`}},
		"a name with a dot":            {service(`ports: [{name: x.y, port: 1}]`), []string{`spec.ports[0].name: Invalid value: "x.y": must not contain dots`}},
		"a target port of digits":      {service(`ports: [{port: 1, targetPort: "12049"}]`), []string{`spec.ports[0].targetPort: Invalid value: "12049": must contain at least one letter (a-z)`}},
		"a node port without the type": {service(`ports: [{port: 1, nodePort: 30001}]`), []string{"spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"}},
		"a node port twice":            {service(`type: NodePort, ports: [{name: a, port: 1, nodePort: 31029}, {name: b, port: 2, nodePort: 31029}]`), []string{"duplicate nodePort: {TCP 31029}"}},
		"a key twice in one apply":     {service(`ports: [{name: a, port: 2049}, {name: b, port: 2049}]`), []string{`duplicate entries for key [port=2049,protocol="TCP"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := memserver.New().Manager("git", "storage").Apply(t.Context(), test.object)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("refused with %v, want %q in it", err, want)
				}
			}
		})
	}
}

// TestServer_Get reads what was stored, also that another apply stored nothing.
func TestServer_Get(t *testing.T) {
	t.Parallel()
	server := memserver.New()
	git := server.Manager("git", "storage")
	read := func() string {
		live, err := git.Get(t.Context(), "Service", "storage", "files")
		if err != nil {
			t.Fatal(err)
		}
		return live.GetResourceVersion()
	}
	for range 2 {
		if _, err := git.Apply(t.Context(), service("ports: [{port: 80}]")); err != nil {
			t.Fatal(err)
		}
		if got := read(); got != "1" {
			t.Errorf("the resourceVersion is %s, want 1", got)
		}
	}
	if err := git.Delete(t.Context(), "Service", "storage", "files"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Manager(testenv.Portside, "storage").Get(t.Context(), "Service", "storage", "files"); err == nil {
		t.Error("a deleted object was read")
	}
}
