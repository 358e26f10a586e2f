package examples_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// fedServices is a DittoFS whose Services have their ports from portside sync.
type fedServices struct {
	*testing.T
	cp                           *testenv.ControlPlane
	binary, namespace, set, conf string
	git                          *testenv.Manager
}

var adapterServices = []string{"dittofs-adapter-nfs", "dittofs-adapter-smb"}

// TestDittofsServices has Git hand the ports of the Services over to portside: the ports
// are those that the operator gives, addresses stay, and so do the node ports of ports
// whose names stay.
func TestDittofsServices(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	d := &fedServices{T: t, cp: cp, binary: portside.BuildFor(t).Path, namespace: cp.Namespace(t)}
	d.git = cp.Manager(testenv.ArgoCD).In(d.namespace)
	content, err := testenv.KubeconfigOf(cp.Config(), d.namespace)
	must(t, err)
	d.set, d.conf = filepath.Join(t.TempDir(), "set.yaml"), filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(d.conf, content, 0o600))
	set := strings.ReplaceAll(fileText(t, "dittofs/adapterset-services.yaml"), "namespace: storage", "namespace: "+d.namespace)
	must(t, os.WriteFile(d.set, []byte(set), 0o600))

	d.apply("statefulset.yaml")
	d.apply("service.yaml")
	d.sync("both-running")
	before := d.addresses()
	d.apply("service-portside.yaml")
	d.sync("both-running")
	d.expectRecorded("fresh.yaml")
	after := d.addresses()
	for name, number := range before {
		if now, kept := after[name]; kept && now != number {
			t.Errorf("%s was %s and is %s", name, number, now)
		}
	}
	for _, name := range []string{"adapter-nfs", "adapter-nfs-udp", "mdns"} {
		if _, kept := after["dittofs-adapter-nfs node port "+name]; !kept {
			t.Errorf("there is no node port of %s in %v", name, slices.Sorted(maps.Keys(after)))
		}
	}

	d.sync("smb-disabled")
	d.expectPorts("dittofs-adapter-smb", "mdns:5353/UDP->adapter-mdns")
	d.sync("nfs-renumbered")
	d.expectPorts("dittofs-adapter-nfs", "mdns:5353/UDP->adapter-mdns", "adapter-nfs:12049/TCP->12050",
		"adapter-nfs-udp:12049/UDP->12050", "adapter-nfs-pm:111/TCP->10111", "adapter-pm-udp:111/UDP->10111")
	for name, number := range d.addresses() {
		if was, had := after[name]; had && was != number {
			t.Errorf("%s was %s and is %s", name, was, number)
		}
	}
}

// apply applies the objects of a file as Argo CD does.
func (d *fedServices) apply(file string) {
	d.Helper()
	for _, document := range documents(d.T, "dittofs/"+file) {
		object := read(d.T, document)
		object.SetNamespace(d.namespace)
		if _, err := d.git.ForceApply(d.Context(), object); err != nil {
			d.Fatal(err)
		}
	}
}

// sync runs portside sync with a recorded answer.
func (d *fedServices) sync(recording string) {
	d.Helper()
	command := exec.CommandContext(d.Context(), d.binary, "sync", "-f", d.set, "--adapters", "dittofs/adapters-"+recording+".json")
	command.Env = []string{"KUBECONFIG=" + d.conf, "HOME=" + d.TempDir()}
	if output, err := command.CombinedOutput(); err != nil {
		d.Fatalf("portside sync: %v\n%s", err, output)
	}
}

func (d *fedServices) service(name string) *unstructured.Unstructured {
	d.Helper()
	return d.git.MustGet(d.T, "Service", d.namespace, name)
}

// addresses returns what clients know of the Services.
func (d *fedServices) addresses() map[string]string {
	d.Helper()
	known := map[string]string{}
	for _, name := range adapterServices {
		service := d.service(name)
		known[name+" uid"] = string(service.GetUID())
		known[name+" cluster IP"], _, _ = unstructured.NestedString(service.Object, "spec", "clusterIP")
		for port, number := range testenv.NodePorts(service) {
			known[name+" node port "+port] = fmt.Sprint(number)
		}
	}
	return known
}

func (d *fedServices) expectPorts(service string, want ...string) {
	d.Helper()
	if err := testenv.CheckPorts(d.service(service), "", want...); err != nil {
		d.Error(err)
	}
}

// expectRecorded compares the Services with those that the operator wrote, by number,
// protocol and target, except for mDNS, which is Git's and not in the Service of SMB.
func (d *fedServices) expectRecorded(file string) {
	d.Helper()
	workload := d.git.MustGet(d.T, "StatefulSet", d.namespace, dittofs)
	numbers := map[string]string{}
	for _, p := range testenv.Ports(workload, dittofs) {
		name, number, _ := strings.Cut(p, ":")
		numbers[name], _, _ = strings.Cut(number, "/")
	}
	written := func(service *unstructured.Unstructured) []string {
		var all []string
		for _, p := range testenv.Ports(service, "") {
			_, exposed, _ := strings.Cut(p, ":")
			from, target, _ := strings.Cut(exposed, "->")
			if number, named := numbers[target]; named {
				target = number
			}
			all = append(all, from+"->"+target)
		}
		slices.Sort(all)
		return all
	}
	compared := 0
	for _, object := range recorded(d.T, file) {
		if !slices.Contains(adapterServices, object.GetName()) || object.GetKind() != "Service" {
			continue
		}
		compared++
		if got, want := written(d.service(object.GetName())), written(object); !slices.Equal(got, want) {
			d.Errorf("Service %s has %q, the operator's %q", object.GetName(), got, want)
		}
	}
	if compared != len(adapterServices) {
		d.Errorf("%d Services are in the recording", compared)
	}
}
