package controller

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// givenUp are the ways in which a Service is given up, and the ports that it has then.
var givenUp = map[string]struct {
	policy string
	delete bool
	want   []string
}{
	"no longer named, Retain": {"Retain", false, []string{apiPort, nfsByName}},
	"no longer named, Remove": {"Remove", false, []string{apiPort}},
	"deleted, Retain":         {"Retain", true, []string{apiPort, nfsByName}},
	"deleted, Remove":         {"Remove", true, []string{apiPort}},
}

// exposing returns a scene whose AdapterSet, with these further fields of its spec, has a
// port in the Service.
func exposing(t *testing.T, fields string) serviceScene {
	t.Helper()
	s := newServiceScene(t, clusterIP)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(fields+exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.expectServiceStatus(t, "", "adapter-nfs Owned")
	s.waitRolledOut(t)
	return s
}

// TestServices_GivenUp: a Service that an AdapterSet no longer names, or whose AdapterSet
// is deleted, keeps our ports without an owner, or loses them, as deletionPolicy says.
func TestServices_GivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range givenUp {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := "deletionPolicy: " + c.policy + "\n"
			s := exposing(t, policy)
			if c.delete {
				if err := s.git.Delete(t.Context(), "AdapterSet", s.ns, "files"); err != nil {
					t.Fatal(err)
				}
			} else {
				s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(policy)))
			}
			s.expectUnowned(t, "Service")
			s.expectService(t, c.want...)
		})
	}
}

// TestServices_GivenUpBeforeStatus takes the Service out of the AdapterSet, or deletes it too,
// while no status can be stored that has the Service.
func TestServices_GivenUpBeforeStatus(t *testing.T) {
	t.Parallel()
	for name, c := range givenUp {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serviceScene{realTimeScene(t)}
			proxy := s.cp.Proxy(t, s.cp.Config(), testenv.ProxyHooks{})
			outage := outage{of: testenv.Is(testenv.VerbApply, "adaptersets/status"), code: http.StatusInternalServerError}
			outage.on.Store(true)
			s.startAs(t, outage.wrap(proxy.Config()), withServices)
			s.git.MustApply(t, statefulSet())
			s.applyService(t, clusterIP, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
			s.waitRolledOut(t)
			policy := "deletionPolicy: " + c.policy + "\n"
			s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(policy+exposesNFS)))
			s.expectService(t, apiPort, nfsByName)
			s.expectPorts(t, nfs...)
			s.waitRolledOut(t)
			proxy.Refuse(c.delete) // so that the service sees both changes at once
			s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(policy)))
			if c.delete {
				s.git.MustDelete(t, "AdapterSet", s.ns, "files")
			}
			proxy.Refuse(false)
			s.expectUnowned(t, "Service")
			s.expectService(t, c.want...)
		})
	}
}

// TestServices_GivenUpWhilePaused takes a paused Service out of the AdapterSet, or deletes the
// AdapterSet. Its ports are given up once it continues.
func TestServices_GivenUpWhilePaused(t *testing.T) {
	t.Parallel()
	for name, c := range givenUp {
		for _, restarts := range []bool{false, true} {
			if restarts && c.delete {
				continue // no process sees a deletion that another one has seen
			}
			t.Run(fmt.Sprintf("%s, restarts %t", name, restarts), func(t *testing.T) {
				t.Parallel()
				policy := "deletionPolicy: " + c.policy + "\n"
				s := exposing(t, policy)
				s.annotateService(t, `"true"`)
				s.expectServiceStatus(t, "Paused", "adapter-nfs Owned")
				if c.delete {
					s.git.MustDelete(t, "AdapterSet", s.ns, "files")
					s.expectReleased(t)
					if c.policy == "Remove" {
						s.expectRetained(t, "its ports stay in Service files: it has the annotation portside.dev/paused")
					}
				} else {
					s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(policy)))
					s.expect(t, "Ready", "True", "InPlace")
					s.catchUp(t)
					if message := s.mustGet(t).Status.Services[0].Message; !strings.Contains(message, "spec.services no longer has the Service") {
						t.Errorf("status has the message %q", message)
					}
					s.expectServiceStatus(t, "Paused", "adapter-nfs Owned")
				}
				if restarts {
					s.restart(t, withServices)
					s.expectIdle(t)
				}
				s.expectService(t, apiPort, nfsByName)
				s.annotateService(t, "null")
				s.expectUnowned(t, "Service")
				if c.delete {
					s.expectService(t, apiPort, nfsByName) // they were retained when it was deleted
					return
				}
				s.expectService(t, c.want...)
				s.expectServiceStatus(t, "")
			})
		}
	}
}

// TestServices_GivenUpBeforePausedWorkload deletes the AdapterSet of a paused workload. The
// Service, which is not paused, is given up at once, and the workload once it continues.
func TestServices_GivenUpBeforePausedWorkload(t *testing.T) {
	t.Parallel()
	s := exposing(t, "")
	s.pause(t, `"true"`)
	s.expect(t, "Reconciling", "False", "Paused")
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
	s.expectUnowned(t, "Service")
	if s.released(t.Context()) == nil {
		t.Error("portside released the ports of the paused workload")
	}
	s.pause(t, "null")
	s.expectReleased(t)
}

// TestServices_RecreatedWithout deletes the AdapterSet, and creates another one of the
// same target that does not name the Service, before the service sees the deletion. The
// ports of the Service stay without an owner.
func TestServices_RecreatedWithout(t *testing.T) {
	t.Parallel()
	s := serviceScene{stoppedScene(t)}
	proxy := s.cp.Proxy(t, s.cp.Config(), testenv.ProxyHooks{})
	s.startAs(t, proxy.Config(), withServices)
	s.git.MustApply(t, statefulSet())
	s.applyService(t, clusterIP, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec(exposesNFS)))
	s.expectService(t, apiPort, nfsByName)
	s.waitRolledOut(t)
	s.expect(t, "Ready", "True", "InPlace")
	proxy.Refuse(true)
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
	s.git.MustApply(t, adapterSet(withNFS))
	proxy.Refuse(false)
	s.expectUnowned(t, "Service")
	s.expectService(t, apiPort, nfsByName)
	s.expect(t, "Ready", "True", "InPlace")
}
