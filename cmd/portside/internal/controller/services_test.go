package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// serviceScene is a scene with a Service that selects the pods of files.
type serviceScene struct{ *scene }

const (
	clusterIP = "{}"
	nodePort  = "{type: NodePort}"
	headless  = "{clusterIP: None}"
)

func withServices(o *Options) { o.Services = true }

// newServiceScene has a StatefulSet that is rolled out, and a Service with these fields
// and a static port.
func newServiceScene(t *testing.T, fields string, change ...func(*Options)) serviceScene {
	t.Helper()
	s := serviceScene{newScene(t, append([]func(*Options){withServices}, change...)...)}
	s.git.MustApply(t, statefulSet())
	s.applyService(t, fields, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	s.waitRolledOut(t)
	return s
}

// applyService has Git apply the Service with these fields and ports.
func (s serviceScene) applyService(t *testing.T, fields, ports string) {
	t.Helper()
	spec := strings.TrimSuffix(strings.TrimPrefix(fields, "{"), "}")
	if spec != "" {
		spec += ", "
	}
	s.git.MustApply(t, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {%sselector: {app: files}, ports: %s}}", spec, ports))
}

// expectService waits until the Service has these ports, in any order.
func (s serviceScene) expectService(t *testing.T, ports ...string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("Service ports %q", ports), func(ctx context.Context) error {
		live, err := s.git.Get(ctx, "Service", s.ns, "files")
		if err != nil {
			return err
		}
		return testenv.CheckPorts(live, "", ports...)
	})
}

// expectServiceStatus waits until status has this reason and these ports of the Service,
// as STATE REASON NAME.
func (s serviceScene) expectServiceStatus(t *testing.T, reason string, ports ...string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("status of the Service: %q, %q", reason, ports), func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err != nil {
			return err
		}
		got := []string{}
		var is v1alpha1.ServiceStatus
		if len(set.Status.Services) == 1 {
			is = set.Status.Services[0]
		}
		for _, p := range is.Ports {
			got = append(got, strings.TrimSpace(strings.Join([]string{p.Name, p.State, p.Reason}, " ")))
		}
		if is.Reason != reason || !slices.Equal(got, slices.Concat([]string{}, ports)) {
			return fmt.Errorf("%+v", set.Status)
		}
		return nil
	})
}

// nodePortOf returns the node port of a port of the Service.
func (s serviceScene) nodePortOf(t *testing.T, name string) int64 {
	t.Helper()
	live, err := s.git.Get(t.Context(), "Service", s.ns, "files")
	if err != nil {
		t.Fatal(err)
	}
	return testenv.NodePorts(live)[name]
}

const (
	apiPort     = "api:80/TCP->8080"
	nfsByName   = "adapter-nfs:2049/TCP->adapter-nfs"
	exposesNFS  = "services: [{name: files, ports: [{adapter: nfs, port: 2049}]}]"
	keepsNFS    = "services: [{name: files, whenInactive: Keep, ports: [{adapter: nfs, port: 2049}]}]"
	exposesAll  = "services: [{name: files}]"
	ignoresPods = "containerPorts: Ignore\n"
)

// TestServices_Life: a port of a Service comes and goes with its adapter, and is gone
// before the container port that it leads to. Nothing else of the Service changes.
func TestServices_Life(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, nodePort)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectPorts(t, nfs...)
	s.expectService(t, apiPort, nfsByName)
	s.expectServiceStatus(t, "", "adapter-nfs Owned")
	s.waitRolledOut(t)
	s.expectReady(t, "True", "InPlace", "2/2")
	before := s.nodePortOf(t, "api")
	first := s.nodePortOf(t, "adapter-nfs")

	container := s.record(t)
	s.sent.Reset()
	s.git.MustApply(t, adapterSet(noAdapters, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort)
	s.expectPorts(t, static...)
	expectTemplateChanges(t, container, 1)
	var writes []string
	for _, request := range s.sent.Except() {
		for _, of := range []string{"services", "statefulsets"} {
			if strings.HasPrefix(request, testenv.VerbApply) && strings.Contains(request, "/"+of+"/files") {
				writes = append(writes, of)
			}
		}
	}
	if !slices.Equal(writes, []string{"services", "statefulsets"}) {
		t.Errorf("portside wrote to %v: %s", writes, &s.sent)
	}
	s.waitRolledOut(t)
	s.expectReady(t, "True", "InPlace", "0/0")
	if after := s.nodePortOf(t, "api"); after != before || first == 0 {
		t.Errorf("the node port of the static port is %d, not %d; that of ours was %d", after, before, first)
	}
	s.expectIdle(t)
}

// TestServices_Keep: with whenInactive Keep, a port and its node port outlast the
// container port.
func TestServices_Keep(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, nodePort)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(keepsNFS)))
	s.expectPorts(t, nfs...)
	s.expectService(t, apiPort, nfsByName)
	number := s.nodePortOf(t, "adapter-nfs")
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(noAdapters, fixture.Spec(keepsNFS)))
	s.expectPorts(t, static...)
	s.waitRolledOut(t)
	s.expectReady(t, "True", "InPlace", "1/1")
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(keepsNFS)))
	s.expectPorts(t, nfs...)
	s.expectService(t, apiPort, nfsByName)
	if after := s.nodePortOf(t, "adapter-nfs"); after != number || number == 0 {
		t.Errorf("the node port is %d, not %d", after, number)
	}
}

// TestServices_IgnoreContainers: the ports of Services alone are managed. Those that we
// own in the container are given up and stay.
func TestServices_IgnoreContainers(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, clusterIP)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(ignoresPods+exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.expectReady(t, "True", "InPlace", "1/1")
	s.expectPorts(t, static...)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectPorts(t, nfs...)
	s.waitRolledOut(t)
	starts := s.cp.PodStarts(s.ns)
	s.git.MustApply(t, adapterSet(noAdapters, fixture.Spec(ignoresPods+exposesNFS)))
	s.expectService(t, apiPort)
	s.expectUnowned(t, "StatefulSet")
	s.expectReady(t, "True", "InPlace", "0/0")
	s.expectPorts(t, nfs...)
	if n := s.cp.PodStarts(s.ns); n != starts {
		t.Errorf("%d pods started", n-starts)
	}
	s.expectIdle(t)
}

// expectUnowned waits until no entry of managedFields is ours.
func (s serviceScene) expectUnowned(t *testing.T, kind string) {
	t.Helper()
	testenv.Eventually(t, "portside owns nothing of the "+kind, func(ctx context.Context) error {
		live, err := s.git.Get(ctx, kind, s.ns, "files")
		if err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == testenv.Portside {
				return fmt.Errorf("%s", e.FieldsV1)
			}
		}
		return nil
	})
}

// TestServices_NotWritten: status has the reason why a Service is not written to. The
// container port does not depend on that.
func TestServices_NotWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields string
		set    string
		before func(*testing.T, serviceScene)
		change func(*Options)
		reason string
		ready  string
		ports  []string
		// cure lets the Service be written to, nil where that is another AdapterSet.
		cure func(*testing.T, serviceScene)
	}{
		"missing": {
			set:    exposesNFS,
			before: func(t *testing.T, s serviceScene) { s.deleteService(t) },
			reason: "ServiceNotFound", ready: "ServiceNotFound",
			cure: func(t *testing.T, s serviceScene) {
				s.applyService(t, clusterIP, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
			},
		},
		"disabled": {
			set: exposesNFS, change: func(o *Options) { o.Services = false },
			reason: "ServicesDisabled", ready: "ServicesDisabled",
		},
		"paused": {
			set:    exposesNFS,
			before: func(t *testing.T, s serviceScene) { s.annotateService(t, `"true"`) },
			reason: "Paused", ready: "InPlace", ports: []string{"adapter-nfs Pending Paused"},
			cure: func(t *testing.T, s serviceScene) { s.annotateService(t, "null") },
		},
		"an unnamed port": {
			set: exposesNFS,
			before: func(t *testing.T, s serviceScene) {
				s.applyService(t, clusterIP, "[{port: 80, targetPort: 8080, protocol: TCP}]")
			},
			ready: "Conflicting", ports: []string{"adapter-nfs Blocked UnnamedPort"},
			cure: func(t *testing.T, s serviceScene) {
				s.applyService(t, clusterIP, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes := []func(*Options){}
			if c.change != nil {
				changes = append(changes, c.change)
			}
			s := newServiceScene(t, clusterIP, changes...)
			if c.before != nil {
				c.before(t, s)
			}
			s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(c.set)))
			s.expectPorts(t, nfs...)
			s.expectServiceStatus(t, c.reason, c.ports...)
			s.waitRolledOut(t)
			for _, of := range []string{"True", "False"} {
				if (of == "True") == (c.ready == "InPlace") {
					s.expect(t, "Ready", of, c.ready)
				}
			}
			s.expectIdle(t)
			if c.cure == nil {
				return
			}
			c.cure(t, s)
			s.expectService(t, apiPort, nfsByName)
			s.expectReady(t, "True", "InPlace", "2/2")
		})
	}
}

func (s serviceScene) deleteService(t *testing.T) {
	t.Helper()
	if err := s.git.Delete(t.Context(), "Service", s.ns, "files"); err != nil {
		t.Fatal(err)
	}
}

func (s serviceScene) annotateService(t *testing.T, value string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/paused":%s}}}`, value)
	if _, err := s.cp.Manager("person").Patch(t.Context(), "Service", s.ns, "files", types.MergePatchType, patch); err != nil {
		t.Fatal(err)
	}
}

// TestServices_Taken: a Service has one AdapterSet, the oldest that names it.
func TestServices_Taken(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, clusterIP)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.clock.Step(time.Second)
	s.git.MustApply(t, workloadOf("StatefulSet", "second"))
	s.git.MustApply(t, adapterSetOf("StatefulSet", "second", fixture.Adapters("smb:445"), fixture.Spec(exposesAll)))
	s.cp.WaitRolledOut(t, s.kind, s.ns, "second") // no event of it follows
	s.expectOf(t, "second", "Stalled", "True", "ServiceTaken")
	s.expectService(t, apiPort, nfsByName)
	if err := s.git.Delete(t.Context(), "AdapterSet", s.ns, "files"); err != nil {
		t.Fatal(err)
	}
	s.expectService(t, apiPort, "adapter-smb:445/TCP->adapter-smb") // those of the set that has it now
	s.expectOf(t, "second", "Stalled", "False", "AsExpected")
}

// TestServices_LastPort: a Service that cannot be without a port keeps ours, and the
// container port does not wait for that. The port goes once the owner has one again.
func TestServices_LastPort(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, clusterIP)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.waitRolledOut(t)
	s.applyService(t, clusterIP, "[]")
	s.expectService(t, nfsByName)
	s.git.MustApply(t, adapterSet(noAdapters, fixture.Spec(exposesNFS)))
	s.expectPorts(t, static...)
	s.expectServiceStatus(t, "", "adapter-nfs Retained LastPort")
	s.expectService(t, nfsByName)
	s.applyService(t, clusterIP, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	s.expectService(t, apiPort)
}

// TestServices_RenamedToInactive gives the port of an active adapter the name of an
// inactive one. It is reported once, and nothing is about to be removed.
func TestServices_RenamedToInactive(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, clusterIP)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.cp.Manager(testenv.KubectlEdit).MustPatch(t, "Service", s.ns, "files", types.StrategicMergePatchType,
		[]byte(`{"spec":{"ports":[{"port":2049,"protocol":"TCP","name":"adapter-smb"}]}}`))
	s.expectServiceStatus(t, "", "adapter-nfs Blocked Renamed")
	s.expect(t, "Reconciling", "False", "AsExpected")
}
