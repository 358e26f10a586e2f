package remedy_test

import (
	"errors"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
	"github.com/portside-dev/portside/fieldmanager"
)

var (
	web = workload.Target{Kind: workload.Deployment, Namespace: "storage", Name: "web"}
	set = workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "web"}
)

func TestPorts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    remedy.For
		port apply.PortStatus
		want string
	}{
		"a plain one": {remedy.For{Target: web, FieldManager: "portside"}, apply.PortStatus{}, "why"},
		"a name that a manager applies": {remedy.For{Target: web, FieldManager: "portside"},
			apply.PortStatus{Reason: port.ReasonNameTaken, Blocker: &port.Blocker{Managers: []fieldmanager.Manager{fieldmanager.Applier("git")}}}, "why"},
		"a name that managers updated": {remedy.For{Target: web, FieldManager: "portside"},
			apply.PortStatus{Reason: port.ReasonNameTaken, Blocker: &port.Blocker{AdoptFrom: []string{"a", "b"}}},
			"why; or, if a, b no longer writes ports, run portside adopt -n storage deployment/web --from a,b"},
		"a name that lost its owner": {remedy.For{Target: web, FieldManager: "portside"},
			apply.PortStatus{Reason: port.ReasonNameTaken, Blocker: &port.Blocker{AdoptFrom: []string{fieldmanager.BeforeFirstApply}}},
			"why; or run portside adopt -n storage deployment/web --from before-first-apply"},
		"with a container and a field manager": {remedy.For{Target: set, Container: "server", FieldManager: "files"},
			apply.PortStatus{Reason: port.ReasonNameTaken, Blocker: &port.Blocker{AdoptFrom: []string{"a"}}},
			"why; or, if a no longer writes ports, run portside adopt -n storage statefulset/web -c server --from a --field-manager files"},
		"a name that a shell would read": {remedy.For{Target: web, FieldManager: "portside"},
			apply.PortStatus{Reason: port.ReasonDuplicateKey, Blocker: &port.Blocker{AdoptFrom: []string{"it's; rm -r ~"}}},
			`why; run portside adopt -n storage deployment/web --from 'it'\''s; rm -r ~'`},
		"hostNetwork": {remedy.For{Target: web, FieldManager: "portside"}, apply.PortStatus{Reason: port.ReasonHostNetworkNotAllowed},
			`why; to allow it, set spec.hostNetwork: Allow in the AdapterSet and the annotation portside.dev/allow-host-network: "true" on the workload`},
		"a static port without a name": {remedy.For{Target: web, FieldManager: "portside"},
			apply.PortStatus{Reason: port.ReasonUnnamedPort, Blocker: &port.Blocker{}}, `why, such as "name: main"`},
		"another reason": {remedy.For{Target: web, FieldManager: "portside"},
			apply.PortStatus{Reason: port.ReasonRenamed, Blocker: &port.Blocker{AdoptFrom: []string{"a"}}}, "why"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.port.Message = "why"
			ports := []apply.PortStatus{c.port}
			if got := c.f.Ports(ports)[0].Message; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if ports[0].Message != "why" {
				t.Error("the port that was given has changed")
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	f := remedy.For{Target: set, Container: "server", FieldManager: "files"}
	for reason, want := range map[advice.Reason]string{
		advice.CannotRenumber: "why, or suspend the AdapterSet and run portside release -n storage statefulset/web --keep-ports --field-manager files",
		advice.WritesToo:      "why: run portside adopt -n storage statefulset/web -c server --from op --field-manager files",
		advice.ReplacesAll:    "why",
	} {
		warnings := []advice.Warning{{Reason: reason, Manager: fieldmanager.Updater("op"), Message: "why"}}
		if got := f.Warnings(warnings)[0].Message; got != want || warnings[0].Message != "why" {
			t.Errorf("%s: got %q, want %q", reason, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := remedy.For{Target: web, FieldManager: "portside"}
	nfs := port.Port{Name: "adapter-nfs", Number: 2049, Protocol: "TCP"}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a field manager with other fields": {&apply.NotDedicatedError{Manager: "team", Target: web, Field: ".spec.replicas", Count: 1},
			`Deployment storage/web: field manager "team" already owns another field, .spec.replicas; an apply would remove it. Use a field manager of its own (--field-manager)`},
		"several": {&apply.NotDedicatedError{Manager: "team", Target: web, Field: ".spec.replicas", Count: 3},
			`Deployment storage/web: field manager "team" already owns 3 other fields, such as .spec.replicas; an apply would remove them. Use a field manager of its own (--field-manager)`},
		"a manager that applies": {&apply.LiveManagerError{Target: web, Manager: fieldmanager.Applier("git"), Ports: []port.Port{nfs}},
			"Deployment storage/web: cannot adopt from git (Apply): it declares adapter-nfs:2049/TCP, so the API server would refuse its next apply; " +
				"rename or remove that port in its manifest; or, if nothing applies as git any more, run portside adopt -n storage deployment/web --from git --manager-is-gone"},
		"another": {errors.New("why"), "why"},
	} {
		worded := f.Error(c.err)
		if worded.Error() != c.want || !errors.Is(worded, c.err) {
			t.Errorf("%s: got %q, want %q", name, worded, c.want)
		}
	}
	if f.Error(nil) != nil {
		t.Error("no error became one")
	}
}
