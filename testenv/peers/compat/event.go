package compat

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// Event returns the row of something that happens once, such as a restore or the first
// sync after one: what it does to our ports, and whether pods restart. The other
// questions are not asked.
func Event(tool, mode, set, ports, restarts string) Row {
	return Row{Tool: tool, Mode: mode, Set: set, Answers: Answers{
		InSync: NotAsked, SyncChangesPorts: ports, SyncRestartsPods: restarts,
		OwnerCanChange: NotAsked, GitDeclaresPort: NotAsked, RemovedByHand: NotAsked, Replace: NotAsked,
	}}
}

// The words of rows about managedFields that were emptied.
const (
	AfterEmptied      = "after managedFields were emptied"
	Annotated         = "with the annotation of client-side apply"
	ReconcileThenSync = "let portside reconcile before that sync (portside run does so by itself after the stabilization window; otherwise run portside sync)"
)

// Effect returns what has happened to our ports since an observation, and whether it
// restarts pods: whether the pod template has changed.
func (s *Site) Effect(before *unstructured.Unstructured) (ports, restarts string) {
	s.Helper()
	after := s.Live()
	if s.Kind == ServiceKind {
		was, is := servicePortsOf(before), servicePortsOf(after)
		if ports = difference(was, is); ports == "" {
			ports = "no"
		}
		if ports == "no" && !maps.Equal(was, is) {
			s.Errorf("the static ports changed from %v to %v", was, is)
		}
		return ports, "no"
	}
	return changeOf(Ports(before), Ports(after), false), YesNo(after.GetGeneration() != before.GetGeneration())
}

// EmptyManagedFields removes all entries of metadata.managedFields, which is the usual
// remedy for the error "metadata.managedFields must be nil".
func (s *Site) EmptyManagedFields() {
	s.Helper()
	live := s.Manager("testenv").MustPatch(s, s.Kind, s.Namespace, Name, types.MergePatchType, []byte(`{"metadata": {"managedFields": [{}]}}`))
	if entries := live.GetManagedFields(); len(entries) > 0 {
		s.Fatalf("managedFields still have %d entries", len(entries))
	}
}

// ExpectNames fails the test unless the first container, or the Service, has ports of
// these names and no others, in any order.
func (s *Site) ExpectNames(want ...string) {
	s.Helper()
	var names []string
	for _, p := range s.portStrings() {
		name, _, _ := strings.Cut(p, ":")
		names = append(names, name)
	}
	if slices.Sort(names); !slices.Equal(names, slices.Sorted(slices.Values(want))) {
		s.Errorf("the ports are %q, want %q", names, want)
	}
}

func (s *Site) portStrings() []string {
	s.Helper()
	live := s.Live()
	if s.Kind == ServiceKind {
		return testenv.Ports(live, "")
	}
	return Ports(live)
}

// ExpectOwner fails the test unless the manager's Apply entry alone owns the item of a
// port, such as 12049/TCP.
func (s *Site) ExpectOwner(port, manager string) {
	s.Helper()
	owners, err := testenv.Owners(s.Live(), Name, port)
	Must(s, err)
	if want := testenv.Owner(manager, "Apply"); len(owners) != 1 || owners[0] != want {
		s.Errorf("%s is owned by %q, want %q", port, owners, want)
	}
}
