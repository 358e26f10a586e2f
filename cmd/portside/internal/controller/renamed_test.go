package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// TestAPortThatAnotherNamedIsTheirs: its adapter ends, and the port is handed to
// who gave it another name, at once: nothing goes, so there is nothing to wait
// for.
func TestAPortThatAnotherNamedIsTheirs(t *testing.T) {
	t.Parallel()
	const owner = "kubectl-client-side-apply"
	s := newScene(t)
	late := func(adapters string) string {
		return strings.Replace(adapterSet(adapters, ""), "removalDelaySeconds: 0", "removalDelaySeconds: 300", 1)
	}
	s.setUp(t, strategy(1, "{type: OnDelete}"), late(withNFSSMB), nfsSMB...)
	web := append(slices.Clone(static), "adapter-smb:1445/TCP", "web:12049/TCP")
	if _, err := s.cp.Manager(owner).Patch(t.Context(), "StatefulSet", s.ns, "files", types.StrategicMergePatchType,
		[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"server","ports":[{"containerPort":12049,"name":"web"}]}]}}}}`)); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "Stalled", "True", "Conflicting")
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	mustApply(t, s.git, late("[{type: smb, port: 1445}]"))
	testenv.Eventually(t, "the port is its owner's alone", func(ctx context.Context) error {
		live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
		if err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == testenv.Portside && strings.Contains(e.FieldsV1.GetRawString(), "12049") {
				return errors.New("we own it still: " + e.FieldsV1.GetRawString())
			}
		}
		return nil
	})
	expectReady(t, s.cp, s.ns, "True", "InPlace", "1/1")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.rests(t)
	expectPorts(t, s.cp, s.ns, web...)
	templateChanges(t, history, 0)
}

// TestAContainerIsRenamed: the ports follow, or are gone with it until it is
// back. Nobody took them away.
func TestAContainerIsRenamed(t *testing.T) {
	t.Parallel()
	inMain, set := strings.Replace(statefulSet, "name: server", "name: main", 1), adapterSet(withNFS, "container: server")
	setOfMain := strings.Replace(set, "container: server", "container: main", 1)
	for name, c := range map[string]struct {
		set       string
		then      []string
		container string
	}{
		"nothing names it":                  {adapterSet(withNFS, ""), []string{inMain}, "main"},
		"the AdapterSet is changed after":   {set, []string{inMain, setOfMain}, "main"},
		"the AdapterSet is changed before":  {set, []string{setOfMain, inMain}, "main"},
		"it comes back under the first one": {set, []string{inMain, statefulSet}, "server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.letsRename(t)
			s.setUp(t, statefulSet, c.set, nfs...)
			for i, object := range c.then {
				// A container cannot come back before we have given it up, and where
				// somebody else writes at that moment, that is tried again a while later.
				testenv.Eventually(t, "the owner applies", func(ctx context.Context) error {
					_, err := s.git.Apply(ctx, object)
					if err != nil {
						s.clock.Step(time.Second)
					}
					return err
				})
				if i < len(c.then)-1 {
					s.expect(t, "Stalled", "True", "ContainerNotFound")
				}
			}
			testenv.Eventually(t, "the port is in the container", func(ctx context.Context) error {
				live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
				if err == nil && !slices.Contains(testenv.Ports(live, c.container), "adapter-nfs:12049/TCP") {
					err = fmt.Errorf("it has %q", testenv.Ports(live, c.container))
				}
				return err
			})
			s.rolledOut(t)
			s.expect(t, "Ready", "True", "InPlace")
			s.expect(t, "Reconciling", "False", "AsExpected")
			s.expectNoPortLost(t)
		})
	}
}

// letsRename has the policy in force that lets owners rename a container in which
// we own ports.
func (s *scene) letsRename(t *testing.T) {
	t.Helper()
	objects, err := install.Manifests(install.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.GetName() != "portside-leftover" {
			continue
		}
		object.SetName(s.ns)
		if object.GetKind() == "MutatingAdmissionPolicyBinding" {
			object.Object["spec"] = map[string]any{"policyName": s.ns, "matchResources": map[string]any{
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": s.ns}},
			}}
		}
		if _, err := s.cp.Manager("testenv").Apply(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	probe := strings.NewReplacer("name: files", "name: probe", "app: files", "app: probe", "replicas: 1", "replicas: 0").Replace(statefulSet)
	mustApply(t, s.git, probe)
	mustApply(t, s.cp.Manager(testenv.Portside).In(s.ns), `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: probe}
spec: {template: {spec: {containers: [{name: server, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}}}
`)
	testenv.Eventually(t, "the policy is in force", func(ctx context.Context) error {
		_, err := s.git.Apply(ctx, strings.Replace(probe, "name: server", "name: main", 1))
		return err
	})
}
