package compat

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// Site is a namespace with a workload that a tool and portside write.
type Site struct {
	testing.TB
	*testenv.ControlPlane
	Kind      string // of the workload
	Namespace string
	applier   *apply.Applier
}

// NewSite creates a namespace for the test.
func NewSite(t testing.TB, cp *testenv.ControlPlane) *Site {
	t.Helper()
	client, err := appsclient.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	applier, err := apply.New(workload.ClientGo(client))
	if err != nil {
		t.Fatal(err)
	}
	return &Site{TB: t, ControlPlane: cp, Kind: Kind, Namespace: cp.Namespace(t), applier: applier}
}

// Live reads the workload.
func (s *Site) Live() *unstructured.Unstructured {
	s.Helper()
	live, err := s.Manager("testenv").Get(s.Context(), s.Kind, s.Namespace, Name)
	if err != nil {
		s.Fatal(err)
	}
	return live
}

// Exists reports whether the workload exists.
func (s *Site) Exists() bool {
	s.Helper()
	_, err := s.Manager("testenv").Get(s.Context(), s.Kind, s.Namespace, Name)
	if err != nil && !apierrors.IsNotFound(err) {
		s.Fatal(err)
	}
	return err == nil
}

// Target returns the workload, or the Service, as portside names it.
func (s *Site) Target() workload.Target {
	if s.Kind == ServiceKind {
		return workload.Target{Kind: workload.Service, Namespace: s.Namespace, Name: Name}
	}
	return workload.Target{Kind: workload.KindOf("apps/v1", s.Kind), Namespace: s.Namespace, Name: Name}
}

// Reconcile reconciles the adapter ports as portside does. In a Service each adapter
// has its own number.
func (s *Site) Reconcile(adapters ...apply.Adapter) apply.Result {
	s.Helper()
	result, err := s.reconcile(adapters)
	if err != nil {
		s.Fatalf("portside cannot reconcile: %v", err)
	}
	return result
}

func (s *Site) reconcile(adapters []apply.Adapter) (apply.Result, error) {
	desired := apply.Desired{Adapters: adapters}
	if s.Kind == ServiceKind {
		desired = apply.Desired{}
		for _, a := range adapters {
			desired.ServicePorts = append(desired.ServicePorts, apply.ServicePort{Adapter: a})
		}
	}
	return s.applier.Apply(s.Context(), s.Target(), desired)
}

// DeclareNodePort reconciles a Service with one adapter whose node port is declared.
func (s *Site) DeclareNodePort(a apply.Adapter, number int64) {
	s.Helper()
	desired := apply.Desired{ServicePorts: []apply.ServicePort{{Adapter: a, NodePort: int32(number)}}} //nolint:gosec // G115: a port
	_, err := s.applier.Apply(s.Context(), s.Target(), desired)
	Must(s, err)
}

// Release releases portside's ports.
func (s *Site) Release() {
	s.Helper()
	if _, err := s.applier.Release(s.Context(), s.Target(), false); err != nil {
		s.Fatalf("portside cannot release: %v", err)
	}
}

// Adopt adopts the adapter ports of a manager.
func (s *Site) Adopt(from string) apply.Result {
	s.Helper()
	result, err := s.applier.Adopt(s.Context(), s.Target(), "", []string{from})
	if err != nil {
		s.Fatalf("portside cannot adopt: %v", err)
	}
	return result
}

// ExpectPorts fails the test unless the first container has these ports and no
// others, in any order.
func (s *Site) ExpectPorts(want ...string) {
	s.Helper()
	live := s.Live()
	if err := testenv.CheckPorts(live, testenv.Containers(live)[0], want...); err != nil {
		s.Error(err)
	}
}

// ExpectAdapters fails the test unless these are the adapter ports, in their order.
func (s *Site) ExpectAdapters(want ...string) {
	s.Helper()
	if got := Adapters(s.Live()); !slices.Equal(got, want) {
		s.Errorf("the adapter ports are %q, want %q", got, want)
	}
}

// Must fails the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Adapter returns an active adapter.
func Adapter(name string, port int64) apply.Adapter {
	return apply.Adapter{Type: name, Port: port}
}

// State returns the state of an adapter's port, with the other managers that own
// it: "Shared by helm".
func State(r apply.Result, adapter string) string {
	for _, p := range r.Ports {
		if p.Type != adapter || p.State == port.Removed {
			continue
		}
		var others []string
		for _, m := range p.Owners {
			if m.Name != testenv.Portside {
				others = append(others, m.Name)
			}
		}
		if len(others) == 0 {
			return string(p.State)
		}
		return string(p.State) + " by " + strings.Join(slices.Compact(others), ", ")
	}
	return "none"
}

// Ports returns the live ports of the first container.
func Ports(live *unstructured.Unstructured) []string {
	return testenv.Ports(live, testenv.Containers(live)[0])
}

// Adapters returns the live adapter ports in their order.
func Adapters(live *unstructured.Unstructured) []string { return filter(live, true) }

// Statics returns the live static ports in their order.
func Statics(live *unstructured.Unstructured) []string { return filter(live, false) }

func filter(live *unstructured.Unstructured, want bool) []string {
	return slices.DeleteFunc(Ports(live), func(p string) bool {
		return strings.HasPrefix(p, port.NamePrefix) != want
	})
}

// image returns the live image of the first container.
func image(live *unstructured.Unstructured) string {
	var image string
	testenv.EditContainer(live.DeepCopy(), testenv.Containers(live)[0], func(c map[string]any) { image, _ = c["image"].(string) })
	return image
}
