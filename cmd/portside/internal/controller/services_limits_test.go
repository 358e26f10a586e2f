package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"k8s.io/apimachinery/pkg/types"
)

// TestServices_Contended: another manager that keeps removing the port of a Service is
// named, and the port is added again at most five times.
func TestServices_Contended(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, clusterIP)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.expectServiceStatus(t, "", "adapter-nfs Owned")
	for round := range 5 {
		s.removeFromService(t, round)
		s.expectService(t, apiPort, nfsByName)
		s.catchUp(t)
	}
	s.removeFromService(t, 5)
	s.expectServiceStatus(t, "", "adapter-nfs Blocked Contended")
	if message := s.expect(t, "Stalled", "True", "Contended"); !strings.Contains(message, "person") {
		t.Errorf("the condition does not name the manager: %s", message)
	}
	s.expectPorts(t, nfs...)
}

func (s serviceScene) removeFromService(t *testing.T, round int) {
	t.Helper()
	if _, err := s.cp.Manager("person").Patch(t.Context(), "Service", s.ns, "files", types.JSONPatchType,
		fmt.Appendf(nil, `[{"op":"test","path":"/spec/ports/1/name","value":"adapter-nfs"},{"op":"remove","path":"/spec/ports/1"},{"op":"add","path":"/spec/ports/0/appProtocol","value":"example.com/%d"}]`, round)); err != nil {
		t.Fatal(err)
	}
}

// TestServices_Warnings: a Service that does not lead to the pods is reported.
func TestServices_Warnings(t *testing.T) {
	t.Parallel()
	for want, fields := range map[string]struct{ service, set string }{
		"NoSelector":       {`{selector: null}`, exposesNFS},
		"SelectorMismatch": {`{selector: {app: other}}`, exposesNFS},
		"HeadlessNumber":   {headless, "services: [{name: files, targetPort: Number, ports: [{adapter: nfs, port: 2049}]}]"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := serviceScene{newScene(t, withServices)}
			s.git.MustApply(t, statefulSet())
			spec := strings.TrimSuffix(strings.TrimPrefix(fields.service, "{"), "}")
			if !strings.Contains(spec, "selector") {
				spec += ", selector: {app: files}"
			}
			s.git.MustApply(t, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {%s, ports: [{name: api, port: 80}]}}", spec))
			s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(fields.set)))
			testenv.Eventually(t, "a warning", func(ctx context.Context) error {
				set, err := s.get(ctx, "files")
				if err == nil && (len(set.Status.Services) != 1 || len(set.Status.Services[0].Warnings) != 1 || set.Status.Services[0].Warnings[0].Reason != want) {
					err = fmt.Errorf("%+v", set.Status.Services)
				}
				return err
			})
		})
	}
}

// TestServices_PortsNotListed: what a pod answers opens no ports outside the cluster. With
// a list, or inside the cluster, it does.
func TestServices_PortsNotListed(t *testing.T) {
	t.Parallel()
	a := stoppedAsking(t, false)
	a.startAs(a.cp.Config(), withServices)
	s := serviceScene{a.scene}
	s.git.MustApply(t, statefulSet())
	s.applyService(t, nodePort, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	s.waitRolledOut(t)
	s.git.MustApply(t, askingSet("StatefulSet", "files", v1alpha1.SchemeHTTP, 20, fixture.Spec(exposesAll)))
	a.untilPorts(nfsSMB...)
	s.waitRolledOut(t)
	s.expect(t, "Stalled", "True", "PortsNotListed")
	s.expectService(t, apiPort)
	s.git.MustApply(t, askingSet("StatefulSet", "files", v1alpha1.SchemeHTTP, 20, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort, "adapter-nfs:2049/TCP->12049")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.applyService(t, "{type: ClusterIP}", "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	s.git.MustApply(t, askingSet("StatefulSet", "files", v1alpha1.SchemeHTTP, 20, fixture.Spec(exposesAll)))
	s.expectService(t, apiPort, "adapter-nfs:12049/TCP->12049", "adapter-smb:1445/TCP->1445")
}

// TestServices_Restart: a process that has just started writes nothing to a Service that is
// up to date, and what was changed meanwhile costs one request.
func TestServices_Restart(t *testing.T) {
	t.Parallel()
	s := newServiceScene(t, nodePort)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectPorts(t, nfs...)
	s.waitRolledOut(t)
	s.expectReady(t, "True", "InPlace", "2/2")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.restart(t, withServices)
	s.catchUp(t)
	s.expectIdle(t)
	if n := s.sent.CountOf(testenv.VerbApply, "services") + s.sent.CountOf(testenv.VerbGet, "services"); n != 0 {
		t.Errorf("%d requests for a Service that is up to date:\n%s", n, &s.sent)
	}
	s.stop()
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(strings.Replace(exposesNFS, "2049", "2050", 1))))
	s.restart(t, withServices)
	s.expectService(t, apiPort, "adapter-nfs:2050/TCP->adapter-nfs")
	if n, bytes := s.sent.Writes(), s.sent.BytesSent(); n == 0 || s.sent.CountOf(testenv.VerbApply, "services") != 1 {
		t.Errorf("%d writes, %d bytes:\n%s", n, bytes, &s.sent)
	}
}

// TestServices_Suspended: a suspended AdapterSet writes nothing to its Services, and keeps
// what status has of them.
func TestServices_Suspended(t *testing.T) {
	t.Parallel()
	s := exposing(t, "")
	s.git.MustApply(t, adapterSet(noAdapters, suspended, fixture.Spec(exposesNFS)))
	s.expect(t, "Reconciling", "False", "Suspended")
	s.expectService(t, apiPort, nfsByName)
	s.git.MustApply(t, adapterSet(noAdapters, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort)
	s.expectPorts(t, static...)
}

// TestServices_GivenUpAfterSuspension takes the Service out of the AdapterSet while that is
// suspended. The ports are given up once it is resumed, also by another process.
func TestServices_GivenUpAfterSuspension(t *testing.T) {
	t.Parallel()
	s := exposing(t, "")
	s.git.MustApply(t, adapterSet(withNFS, suspended))
	s.expect(t, "Reconciling", "False", "Suspended")
	s.expectServiceStatus(t, "Suspended", "adapter-nfs Owned")
	s.restart(t, withServices)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expectUnowned(t, "Service")
	s.expectService(t, apiPort, nfsByName)
	s.expectServiceStatus(t, "")
}
