package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
)

var dittofsExamples = filepath.Join("..", "..", "..", "..", "examples")

// recordedPorts are what the operator of DittoFS declared: the container's ports, and
// the targets of the Services' ports with their names.
type recordedPorts struct {
	container []string            // NAME:NUMBER/PROTOCOL
	targets   map[string][]string // names of Service ports by NUMBER/PROTOCOL
}

func recordedOperator(t *testing.T, name string) recordedPorts {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dittofsExamples, "testdata", "operator-v0.29", name))
	if err != nil {
		t.Fatal(err)
	}
	var list unstructured.UnstructuredList
	if err := yaml.Unmarshal(text, &list.Object); err != nil {
		t.Fatal(err)
	}
	items, _, _ := unstructured.NestedSlice(list.Object, "items")
	recorded := recordedPorts{targets: map[string][]string{}}
	for _, item := range items {
		object := item.(map[string]any) //nolint:forcetypeassert // a List of objects
		switch object["kind"] {
		case "StatefulSet":
			var set appsv1.StatefulSet
			decodeInto(t, object, &set)
			for _, p := range set.Spec.Template.Spec.Containers[0].Ports {
				recorded.container = append(recorded.container, fmt.Sprintf("%s:%d/%s", p.Name, p.ContainerPort, p.Protocol))
			}
		case "Service":
			var service corev1.Service
			decodeInto(t, object, &service)
			for _, p := range service.Spec.Ports {
				target := fmt.Sprintf("%d/%s", p.TargetPort.IntVal, p.Protocol)
				if !slices.Contains(recorded.targets[target], p.Name) {
					recorded.targets[target] = append(recorded.targets[target], p.Name)
				}
			}
		}
	}
	return recorded
}

func decodeInto(t *testing.T, object map[string]any, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, into); err != nil {
		t.Fatal(err)
	}
}

// TestSync_CompanionsOfOperator gives a StatefulSet the ports that the operator of DittoFS
// gave it, as three of its states were recorded: by number and protocol, and with the
// same names. NFS over UDP, on the number of nfs, is one more: the operator exposes it in
// a Service and declares it in no container. Every target of a Service's port is a port
// of the container.
func TestSync_CompanionsOfOperator(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: api, containerPort: 8080, protocol: TCP}]`)
	example, err := os.ReadFile(filepath.Join(dittofsExamples, "dittofs", "adapterset-companions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set := file(t, "set.yaml", strings.Replace(string(example), "namespace: storage", "namespace: "+c.namespace, 1))
	// A Service's port of the operator, and the port of the container that it leads to.
	renamed := map[string]string{
		"portmap": "adapter-nfs-pm", "portmap-udp": "adapter-pm-udp", "mdns": "adapter-mdns", "wsd": "adapter-wsd", "wsd-meta": "adapter-wsdmeta",
	}
	for _, state := range []struct{ operator, adapters, udp string }{
		{"1-fresh.yaml", file(t, "fresh.json", portsOf("nfs:12049", "smb:1445")), "adapter-nfs-udp:12049/UDP"},
		{"2-smb-disabled.yaml", file(t, "disabled.json", portsOf("nfs:12049")), "adapter-nfs-udp:12049/UDP"},
		{"3-nfs-renumbered.yaml", file(t, "renumbered.json", portsOf("nfs:12050", "smb:1445")), "adapter-nfs-udp:12050/UDP"},
	} {
		c.must(1, c.run("diff", "-f", set, "--adapters", state.adapters))
		c.must(0, c.run("sync", "-f", set, "--adapters", state.adapters))
		c.must(0, c.run("diff", "-f", set, "--adapters", state.adapters))
		operator := recordedOperator(t, state.operator)
		want := append(slices.Clone(operator.container), state.udp)
		got := strings.Fields(c.ports())
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the ports are %q, want %q", state.operator, got, want)
		}
		for target, names := range operator.targets {
			for _, name := range names {
				if now, other := renamed[name]; other {
					name = now
				}
				if !slices.Contains(got, name+":"+target) {
					t.Errorf("%s: no port %s leads to %s, in %q", state.operator, name, target, got)
				}
			}
		}
	}
}

// portsOf returns what GET /api/v1/adapters/ports answers.
func portsOf(adapters ...string) string {
	var items []string
	for _, a := range adapters {
		typ, number, _ := strings.Cut(a, ":")
		items = append(items, fmt.Sprintf(`{"type":%q,"port":%s,"enabled":true,"running":true}`, typ, number))
	}
	return "[" + strings.Join(items, ",") + "]"
}

// TestSync_Companions declares companions: they go with the last of their adapters, and a
// companion is reported under its own name.
func TestSync_Companions(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: api, containerPort: 8080, protocol: TCP}]`)
	const companions = "[{name: mdns, adapters: [nfs, smb], port: 5353, protocol: UDP}, {name: nfs-udp, adapter: nfs, protocol: UDP}, {name: again, adapter: nfs}]"
	set := func(adapters string) string {
		return file(t, "set.yaml", strings.TrimSuffix(adapterSet(adapters), "\n")+"\n  companions: "+companions+"\n")
	}
	a := c.must(2, c.run("sync", "-f", set("[{type: nfs, port: 12049}, {type: smb, port: 1445}]"), "-o", "json"))
	text := strings.Join(strings.Fields(a.stdout), " ")
	expectIn(t, "stdout", text, `"type": "nfs-udp", "name": "adapter-nfs-udp", "port": 12049, "protocol": "UDP", "state": "Owned"`)
	expectIn(t, "stdout", text, `"type": "again", "name": "adapter-again", "port": 12049, "protocol": "TCP", "state": "Blocked", "reason": "DuplicatePort"`) // a companion on the very port of its adapter
	expect(t, "ports", c.ports(), "api:8080/TCP adapter-smb:1445/TCP adapter-mdns:5353/UDP adapter-nfs:12049/TCP adapter-nfs-udp:12049/UDP")
	c.must(0, c.run("sync", "-f", set("[{type: smb, port: 1445}]")))
	expect(t, "ports", c.ports(), "api:8080/TCP adapter-smb:1445/TCP adapter-mdns:5353/UDP")
	c.must(0, c.run("sync", "-f", set("[]")))
	expect(t, "ports", c.ports(), "api:8080/TCP")
}
