package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// fleet is a namespace of workloads with an AdapterSet each, whose adapters change
// at random. Every template that the server stores is recorded.
type fleet struct {
	*testenv.ControlPlane
	t         *testing.T
	namespace string
	git       *testenv.Manager
	random    *rand.Rand
	members   []*member
}

// member is a workload of a fleet.
type member struct {
	name    string
	history *testenv.History
	desired []string // adapter ports as testenv.Ports reports them, sorted
	changes int      // of desired
}

var staticPorts = []string{"api:8080/TCP", "nfs:2049/TCP", ":9090/UDP"}

func staticWorkload(name string) *unstructured.Unstructured {
	return fixture.StatefulSet(name, fixture.Container("server", staticPorts...), fixture.Spec("replicas: 1"))
}

// setOf returns the AdapterSet of a workload with the same name, which delays
// nothing.
func setOf(kind, name string, options ...fixture.Option) *unstructured.Unstructured {
	return fixture.AdapterSet(name, append(options, fixture.Target(kind, name), fixture.Rollout(0, 0))...)
}

// newFleet returns a fleet without adapters whose pods are ready.
func newFleet(t *testing.T, cp *testenv.ControlPlane, size int) *fleet {
	t.Helper()
	portside.InstallCRD(t, cp)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := fleetIn(t, cp, cp.Namespace(t))
	f.random = rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: a seed that can be replayed
	for i := range size {
		m := &member{name: fmt.Sprintf("files-%d", i)}
		m.history = cp.Record(t, "StatefulSet", f.namespace, m.name)
		f.git.MustApply(t, staticWorkload(m.name), setOf("StatefulSet", m.name, fixture.Adapters()))
		f.members = append(f.members, m)
	}
	f.waitRolledOut()
	return f
}

// fleetIn returns a fleet without members.
func fleetIn(t *testing.T, cp *testenv.ControlPlane, namespace string) *fleet {
	return &fleet{ControlPlane: cp, t: t, namespace: namespace, git: cp.Manager("git").In(namespace)}
}

func (f *fleet) apply(objects ...any) {
	f.t.Helper()
	f.git.MustApply(f.t, objects...)
}

func (f *fleet) waitRolledOut() {
	f.t.Helper()
	for _, m := range f.members {
		f.WaitRolledOut(f.t, "StatefulSet", f.namespace, m.name)
	}
}

// change gives a member other adapters than it has, which takes one change of its
// template.
func (f *fleet) change(m *member) {
	f.t.Helper()
	adapters, ports := f.draw()
	for slices.Equal(ports, m.desired) {
		adapters, ports = f.draw()
	}
	f.apply(setOf("StatefulSet", m.name, fixture.Adapters(adapters...)))
	m.desired = ports
	m.changes++
}

// draw returns random adapters and their ports. There are so few numbers and names
// that they move from one adapter to another.
func (f *fleet) draw() (adapters, ports []string) {
	numbers := f.random.Perm(6)
	for i, adapter := range []string{"nfs", "smb", "s3", "web dav"} {
		if f.random.IntN(2) == 0 {
			continue
		}
		port := fmt.Sprintf(":%d/%s", 12000+numbers[i], []string{"TCP", "UDP"}[f.random.IntN(2)])
		adapters = append(adapters, adapter+port)
		ports = append(ports, "adapter-"+strings.ReplaceAll(adapter, " ", "-")+port)
	}
	slices.Sort(ports)
	f.random.Shuffle(len(adapters), func(i, j int) { adapters[i], adapters[j] = adapters[j], adapters[i] })
	return adapters, ports
}

// changeAll waits until all members have their desired ports, and changes them.
func (f *fleet) changeAll() {
	f.t.Helper()
	f.waitPorts()
	for _, m := range f.members {
		f.change(m)
	}
}

// changeSettled changes some of the members that have their desired ports, at least
// one if there is one. The others still wait for their last change, and two changes
// at once would count as one.
func (f *fleet) changeSettled() {
	f.t.Helper()
	changed := false
	for _, i := range f.random.Perm(len(f.members)) {
		m := f.members[i]
		if (!changed || f.random.IntN(2) == 0) && f.checkPorts(f.t.Context(), m) == nil {
			f.change(m)
			changed = true
		}
	}
}

// checkPorts returns an error unless a member has its static ports as declared and
// its desired ports.
func (f *fleet) checkPorts(ctx context.Context, m *member) error {
	live, err := f.git.Get(ctx, "StatefulSet", f.namespace, m.name)
	if err != nil {
		return err
	}
	return testenv.CheckPorts(live, "server", slices.Concat(staticPorts, m.desired)...)
}

func (f *fleet) checkAllPorts(ctx context.Context) error {
	var errs []error
	for _, m := range f.members {
		errs = append(errs, f.checkPorts(ctx, m))
	}
	return errors.Join(errs...)
}

func (f *fleet) waitPorts() {
	f.t.Helper()
	testenv.Eventually(f.t, "the ports of all workloads", f.checkAllPorts)
}

// waitRecorded waits until the histories have the live objects. A watch that
// reconnects to an API server that was stopped has missed all but the last change.
func (f *fleet) waitRecorded() {
	f.t.Helper()
	for _, m := range f.members {
		m.history.Stored(f.t)
	}
}

// check waits for the desired ports and checks the histories: each change was
// stored once and restarted the pod once, and no static port ever changed.
func (f *fleet) check() {
	f.t.Helper()
	f.waitPorts()
	f.waitRolledOut()
	starts := len(f.members)
	for _, m := range f.members {
		stored := m.history.Stored(f.t)
		if got := testenv.TemplateChanges(stored); got != m.changes {
			f.t.Errorf("%s: %d changes of the template were stored, want %d: %v", m.name, got, m.changes, portsIn(stored))
		}
		for _, s := range stored {
			if got := s.StaticPorts("server"); !slices.Equal(got, staticPorts) {
				f.t.Errorf("%s: generation %d has the static ports %q", m.name, s.Generation, got)
			}
		}
		starts += m.changes
	}
	if got := f.PodStarts(f.namespace); got != starts {
		f.t.Errorf("%d pods have started, want %d", got, starts)
	}
}

func portsIn(history []testenv.Stored) (ports [][]string) {
	for _, s := range history {
		ports = append(ports, s.Ports["server"])
	}
	return ports
}
