package examples_test

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// away has the service apply the port of nfs, and stops it.
func (o *operations) away(options ...fixture.Option) {
	o.t.Helper()
	s := o.start()
	o.declare(12049, options...)
	o.expectPorts("adapter-nfs:12049/TCP")
	o.expectState("Owned")
	o.stop(s)
}

// changePort changes a port by portside sync while the service is away. The service
// finds the port up to date when it is back.
func (o *operations) changePort() {
	o.away()
	const step = "# In adapterset.yaml, change what should change in spec.adapters. Then\n"
	script := o.scripts("Change a port by hand", 1)[0]
	if !strings.Contains(script, step) {
		o.t.Fatalf("the commands have no step %q", step)
	}
	o.mustRun(strings.Replace(script, step, "sed -i 's/port: 12049/port: 12050/' adapterset.yaml\n", 1))
	o.expectPorts("adapter-nfs:12050/TCP")
	o.expectOwners("StatefulSet", dittofs, "12050/TCP", testenv.Portside+"/Apply")

	generation := o.workload().GetGeneration()
	o.declare(12050)
	o.start()
	o.expectState("Owned")
	o.expectGeneration(generation)
}

// changePortWithKubectl changes a port by a patch while the service is away, and gives
// it back.
func (o *operations) changePortWithKubectl() {
	o.away()
	o.mustRun(o.scripts("Change a port with kubectl alone", 2)[0])
	o.expectPorts("adapter-nfs:12050/TCP")
	generation := o.workload().GetGeneration()
	const kubectl = "kubectl-patch/Update"

	o.start()
	o.expectState("Blocked NameTaken")
	o.expectOwners("StatefulSet", dittofs, "12050/TCP", kubectl)
	o.declare(12050)
	o.expectState("Shared CoOwned")
	o.expectOwners("StatefulSet", dittofs, "12050/TCP", kubectl, testenv.Portside+"/Apply")

	o.mustRun(o.scripts("Change a port with kubectl alone", 2)[1])
	o.expectOwners("StatefulSet", dittofs, "12050/TCP", testenv.Portside+"/Apply")
	o.expectState("Owned")
	o.expectGeneration(generation)
}

// deleteSet deletes an AdapterSet that waits for the service, which is away.
func (o *operations) deleteSet() {
	o.away(fixture.Spec("deletionPolicy: Remove"))
	generation := o.workload().GetGeneration()
	deletion, release, _ := strings.Cut(o.scripts("Delete an AdapterSet", 1)[0], "portside release")
	o.mustRun(deletion)
	if out := o.mustRun("kubectl -n storage get adaptersets -o name"); out != "" && !strings.Contains(out, "No resources found") {
		o.t.Errorf("the AdapterSet still exists: %s", out)
	}
	o.expectPorts("adapter-nfs:12049/TCP")
	o.expectGeneration(generation)
	o.mustRun("portside release" + release)
	o.expectPorts()
}

// changeFieldManager changes the name of the field manager, first without and then
// with the claims of the former one handed over.
func (o *operations) changeFieldManager() {
	const former, manager = testenv.Portside + "/Apply", "ports/Apply"
	o.git.MustApply(o.t, "{apiVersion: v1, kind: Service, metadata: {name: dittofs-file}, spec: {selector: {app: dittofs}, ports: [{name: api, port: 8080}]}}")
	o.writeSet("adapters: [{type: nfs, port: 12049}]")
	o.mustRun("portside sync -f adapterset.yaml")
	generation := o.workload().GetGeneration()
	o.mustRun("portside sync -f adapterset.yaml --field-manager ports")
	for kind, name := range map[string]string{"StatefulSet": dittofs, "Service": "dittofs-file"} {
		o.expectOwners(kind, name, "12049/TCP", former, manager)
	}
	o.writeSet("adapters: []")
	o.mustRun("portside sync -f adapterset.yaml --field-manager ports")
	o.expectPorts("adapter-nfs:12049/TCP") // the former claim keeps it

	const heading = "Another field manager"
	scripts := o.scripts(heading, 2)
	o.mustRun(scripts[0])
	const service = "portside adopt -n storage service/dittofs-file --from portside --manager-is-gone --field-manager ports"
	if !strings.Contains(o.section(heading), "`"+service+"`") {
		o.t.Errorf("the page does not name %q", service)
	}
	o.mustRun(service)
	for kind, name := range map[string]string{"StatefulSet": dittofs, "Service": "dittofs-file"} {
		o.expectOwners(kind, name, "12049/TCP", manager)
	}
	if out := o.mustRun(scripts[1]); strings.Contains(out, testenv.Portside) || !strings.Contains(out, " ports\n") {
		o.t.Errorf("the owners are\n%s", out)
	}
	o.expectGeneration(generation)
	o.mustRun("portside sync -f adapterset.yaml --field-manager ports")
	o.expectPorts()
}

// writeSet writes adapterset.yaml with an AdapterSet for the workload and its Service.
func (o *operations) writeSet(fields string) {
	o.t.Helper()
	set := fixture.AdapterSet(dittofs, fixture.Target("StatefulSet", dittofs), fixture.Metadata("namespace: "+o.namespace),
		fixture.Spec(fields), fixture.Spec("services: [{name: dittofs-file}]"))
	o.write("adapterset.yaml", set)
}

// write writes an object to a file of the folder.
func (o *operations) write(name string, object *unstructured.Unstructured) {
	o.t.Helper()
	text, err := object.MarshalJSON()
	must(o.t, err)
	o.mustRun("cat > " + name + " <<'END'\n" + string(text) + "\nEND")
}
