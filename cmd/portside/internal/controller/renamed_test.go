package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestRenamedPort: the adapter of a port that another manager renamed becomes inactive.
// The port is released to that manager at once, since nothing is removed.
func TestRenamedPort(t *testing.T) {
	t.Parallel()
	const owner = "kubectl-client-side-apply"
	s := newScene(t)
	late := fixture.Rollout(0, 300)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFSSMB, late), nfsSMB...)
	web := append(slices.Clone(static), "adapter-smb:1445/TCP", "web:12049/TCP")
	s.cp.Manager(owner).MustPatch(t, "StatefulSet", s.ns, "files", types.StrategicMergePatchType,
		[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"server","ports":[{"containerPort":12049,"name":"web"}]}]}}}}`))
	s.expect(t, "Stalled", "True", "Conflicting")
	history := s.record(t)
	s.git.MustApply(t, adapterSet(fixture.Adapters("smb:1445"), late))
	testenv.Eventually(t, "the port to be released", func(ctx context.Context) error {
		live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
		if err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == testenv.Portside && strings.Contains(e.FieldsV1.GetRawString(), "12049") {
				return errors.New("portside still owns " + e.FieldsV1.GetRawString())
			}
		}
		return nil
	})
	s.expectReady(t, "True", "InPlace", "1/1")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expectIdle(t)
	s.expectPorts(t, web...)
	expectTemplateChanges(t, history, 0)
}

// TestRenamedContainer: the ports follow a renamed container, or are absent until a
// container of the old name is back. No manager removed them.
func TestRenamedContainer(t *testing.T) {
	t.Parallel()
	renamed := statefulSet(inMain)
	set, setOfMain := adapterSet(withNFS, fixture.Spec("container: server")), adapterSet(withNFS, fixture.Spec("container: main"))
	for name, c := range map[string]struct {
		set       *unstructured.Unstructured
		then      []*unstructured.Unstructured
		container string
	}{
		"nothing names it":                  {adapterSet(withNFS), []*unstructured.Unstructured{renamed}, "main"},
		"the AdapterSet is changed after":   {set, []*unstructured.Unstructured{renamed, setOfMain}, "main"},
		"the AdapterSet is changed before":  {set, []*unstructured.Unstructured{setOfMain, renamed}, "main"},
		"it comes back under the first one": {set, []*unstructured.Unstructured{renamed, statefulSet()}, "server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.allowRename(t)
			s.setUp(t, statefulSet(), c.set, nfs...)
			for i, object := range c.then {
				// A container cannot come back before portside has released it, which is
				// retried later if another manager writes at that moment.
				testenv.Eventually(t, "the owner's apply", func(ctx context.Context) error {
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
			testenv.Eventually(t, "the port in the container", func(ctx context.Context) error {
				live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
				if err == nil && !slices.Contains(testenv.Ports(live, c.container), "adapter-nfs:12049/TCP") {
					err = fmt.Errorf("it has %q", testenv.Ports(live, c.container))
				}
				return err
			})
			s.waitRolledOut(t)
			s.expect(t, "Ready", "True", "InPlace")
			s.expect(t, "Reconciling", "False", "AsExpected")
			s.expectNoPortLost(t)
		})
	}
}

// inMain gives the container another name.
var inMain = fixture.InContainer("server", "name: main")

// allowRename installs the policy that lets owners rename a container in which
// portside owns ports.
func (s *scene) allowRename(t *testing.T) {
	t.Helper()
	objects, err := install.Manifests(install.Options{KubeVersion: s.cp.Release(), BetaPolicies: true})
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
		s.cp.Manager("testenv").MustApply(t, object)
	}
	probe := func(options ...fixture.Option) any {
		return workloadOf("StatefulSet", "probe", append(options, fixture.Spec("replicas: 0"))...)
	}
	s.git.MustApply(t, probe())
	s.applyAsPortside(t, "probe")
	testenv.Eventually(t, "the policy to be in force", func(ctx context.Context) error {
		_, err := s.git.Apply(ctx, probe(inMain))
		return err
	})
}
