package kro_test

import (
	"cmp"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

// manager is the field manager of a patch node. patchFieldManager in
// pkg/graphengine/executor/executor.go has hashes in place of graph and node.
const manager = "kro-graphengine.patch.graph.node"

// contribute contributes ports as applyPatchOne and contributeApply do: the target must
// exist, and the node's fields are applied without force.
func contribute(s *compat.Site, container string, ports []compat.Port) error {
	if len(ports) == 0 {
		return release(s)
	}
	if _, err := s.Manager(manager).Get(s.Context(), s.Kind, s.Namespace, compat.Name); err != nil {
		return err
	}
	_, err := s.Manager(manager).In(s.Namespace).Apply(s.Context(), body(s.Kind, container, ports))
	if apierrors.IsConflict(err) {
		return fmt.Errorf("patch field conflict on %s %s: %w", s.Kind, compat.Name, err)
	}
	return err
}

// body returns what the node contributes.
func body(kind, container string, ports []compat.Port) any {
	if kind != compat.ServiceKind {
		lines := make([]string, 0, len(ports))
		for _, p := range ports {
			lines = append(lines, p.String())
		}
		return fixture.PortsOf(kind, compat.Name, container, lines...)
	}
	items := make([]any, 0, len(ports))
	for _, p := range ports {
		protocol := cmp.Or(p.Protocol, "TCP")
		items = append(items, map[string]any{"name": p.Name, "port": int64(p.Number), "protocol": protocol, "targetPort": int64(p.Number)})
	}
	return map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": compat.Name}, "spec": map[string]any{"ports": items},
	}
}

// release gives the node's fields up as Release does: it applies the identity of the
// target and nothing else.
func release(s *compat.Site) error {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(s.Live().GroupVersionKind())
	object.SetName(compat.Name)
	_, err := s.Manager(manager).In(s.Namespace).Apply(s.Context(), object)
	return err
}

// split returns the part of a commit that Git declares, and the ports that the node
// contributes: all, or those of a Service but for the first, since a Service needs one.
func split(c compat.Commit) (compat.Commit, []compat.Port) {
	if c.Kind == compat.ServiceKind {
		return c.With(c.Ports[0]), c.Ports[1:]
	}
	git := c.With()
	git.OmitPorts = true
	return git, c.Ports
}

// sync has Git declare the object, and the node contribute its ports. Where the container
// has another name now, the node gives the old one up first.
func sync(s *compat.Site, c compat.Commit) error {
	git, ports := split(c)
	container := cmp.Or(c.Container, compat.Name)
	if s.Exists() && s.Kind != compat.ServiceKind && testenv.Containers(s.Live())[0] != container {
		if err := release(s); err != nil {
			return err
		}
	}
	if _, err := s.Manager(testenv.ArgoCD).In(s.Namespace).ForceApply(s.Context(), git.Manifest()); err != nil {
		return err
	}
	return contribute(s, container, ports)
}

func mode() compat.Mode {
	return compat.Mode{
		Tool: "kro-like", Mode: "patch node with ports (server-side apply without force)",
		Set:  "in the patch node a number that no adapter has; run portside release before the container is renamed",
		Sync: sync,
	}
}

const conflict = "take an adapter's number (refused: conflict with portside)"

func TestModes(t *testing.T) {
	t.Parallel()
	mode().Check(t, compat.ServerSide(manager).NotCompared().Changed(compat.AllBut(conflict, compat.UntilRelease)))
}

// TestServices contributes to a Service in which portside has ports.
func TestServices(t *testing.T) {
	t.Parallel()
	mode().CheckService(t, compat.ServiceServerSide().NotCompared().Changed(compat.AllBut(conflict)), "in the patch node a number that no adapter has")
}

// TestOrders has the node and portside begin in either order. Neither changes ports of
// the other, also when it gives its own up.
func TestOrders(t *testing.T) {
	t.Parallel()
	nfs := compat.Adapter("nfs", 12049)
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		for _, portsideFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, portside first: %t", kind, portsideFirst), func(t *testing.T) {
				t.Parallel()
				s := compat.NewSite(t, testenv.Shared(t))
				s.Kind = kind
				first := compat.First()
				first.Kind = kind
				git, ports := split(first)
				compat.Must(t, sync(s, git))
				if portsideFirst {
					s.Reconcile(nfs)
				}
				compat.Must(t, contribute(s, compat.Name, ports))
				if state := compat.State(s.Reconcile(nfs), "nfs"); state != "Owned" {
					t.Errorf("the port is %s", state)
				}
				before := s.Live()
				compat.Must(t, sync(s, first))
				s.Reconcile(nfs)
				if after := s.Live(); after.GetResourceVersion() != before.GetResourceVersion() {
					t.Errorf("a second sync and reconcile wrote the object")
				}
				s.ExpectOwner("12049/TCP", testenv.Portside)
				s.ExpectOwner("9090/TCP", manager)

				s.Reconcile()
				s.ExpectNames("api", "metrics")
				s.Reconcile(nfs)
				compat.Must(t, release(s))
				if kind == compat.ServiceKind {
					s.ExpectNames("api", "adapter-nfs")
				} else {
					s.ExpectNames("adapter-nfs")
				}
			})
		}
	}
}

// TestConflict: a node that wants the number of an adapter port is refused as long as
// the adapter is active, and contributes nothing. It has the number after the adapter's
// removal, and the adapter is Shadowed from then on. A node that had the number first
// keeps it.
func TestConflict(t *testing.T) {
	t.Parallel()
	nfs := compat.Adapter("nfs", 12049)
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			s.Kind = kind
			first := compat.First()
			first.Kind = kind
			git, ports := split(first)
			ports = append(ports, compat.Port{Name: "nfs", Number: 12049})
			compat.Must(t, sync(s, git))
			s.Reconcile(nfs)
			before := s.Live()
			if err := contribute(s, compat.Name, ports); !apierrors.IsConflict(err) {
				t.Errorf("the contribution: %v, want a conflict", err)
			}
			if after := s.Live(); after.GetResourceVersion() != before.GetResourceVersion() {
				t.Error("the refused contribution changed the object")
			}
			s.Reconcile()
			compat.Must(t, contribute(s, compat.Name, ports))
			if state := compat.State(s.Reconcile(nfs), "nfs"); state != "Shadowed by "+manager {
				t.Errorf("the port is %s", state)
			}
			s.ExpectNames("api", "metrics", "nfs")
		})
	}
}
