package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// fleet are workloads with an AdapterSet each, in a namespace of their own,
// whose adapters change at random. Every template that the server stores is
// recorded.
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
	// wanted are the adapter ports, as testenv.Ports has them, sorted.
	wanted []string
	// calls is how often they became others.
	calls int
}

var staticPorts = []string{"api:8080/TCP", "nfs:2049/TCP", ":9090/UDP"}

const workloadOfFleet = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: %[1]s}
spec:
  replicas: 1
  serviceName: %[1]s
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 2049, protocol: TCP}, {containerPort: 9090, protocol: UDP}]
`

const adaptersOfFleet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %[1]s}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %[1]s}
  adapters: [%[2]s]
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`

// newFleet makes a fleet without adapters, whose pods are ready.
func newFleet(t *testing.T, cp *testenv.ControlPlane, size int) *fleet {
	t.Helper()
	portside.InstallCRD(t, cp)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &fleet{ControlPlane: cp, t: t, namespace: cp.Namespace(t), random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // G404: to be played again
	f.git = cp.Manager("git").In(f.namespace)
	for i := range size {
		m := &member{name: fmt.Sprintf("files-%d", i)}
		m.history = cp.Record(t, "StatefulSet", f.namespace, m.name)
		f.apply(fmt.Sprintf(workloadOfFleet, m.name))
		f.apply(fmt.Sprintf(adaptersOfFleet, m.name, ""))
		f.members = append(f.members, m)
	}
	f.waitRolledOut()
	return f
}

func (f *fleet) apply(object string) {
	f.t.Helper()
	if _, err := f.git.Apply(f.t.Context(), object); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) waitRolledOut() {
	f.t.Helper()
	for _, m := range f.members {
		f.WaitRolledOut(f.t, "StatefulSet", f.namespace, m.name)
	}
}

// change gives a member other adapters than it has. That calls for one change
// of its template.
func (f *fleet) change(m *member) {
	f.t.Helper()
	adapters, ports := f.draw()
	for slices.Equal(ports, m.wanted) {
		adapters, ports = f.draw()
	}
	f.apply(fmt.Sprintf(adaptersOfFleet, m.name, strings.Join(adapters, ", ")))
	m.wanted = ports
	m.calls++
}

// draw draws adapters. They are few enough that numbers and names pass from one
// to another.
func (f *fleet) draw() (adapters, ports []string) {
	numbers := f.random.Perm(6)
	for i, adapter := range []string{"nfs", "smb", "s3", "web dav"} {
		if f.random.IntN(2) == 0 {
			continue
		}
		protocol := []string{"TCP", "UDP"}[f.random.IntN(2)]
		number := 12000 + numbers[i]
		adapters = append(adapters, fmt.Sprintf("{type: %s, port: %d, protocol: %s}", adapter, number, protocol))
		ports = append(ports, fmt.Sprintf("adapter-%s:%d/%s", strings.ReplaceAll(adapter, " ", "-"), number, protocol))
	}
	slices.Sort(ports)
	f.random.Shuffle(len(adapters), func(i, j int) { adapters[i], adapters[j] = adapters[j], adapters[i] })
	return adapters, ports
}

// changeAll changes all members, which must have the ports that they are to
// have.
func (f *fleet) changeAll() {
	f.t.Helper()
	f.waitRight()
	for _, m := range f.members {
		f.change(m)
	}
}

// changeSettled changes some of the members that have the ports they are to
// have, at least one if there is one. The others still wait for their last
// change, and two at once would be one.
func (f *fleet) changeSettled() {
	f.t.Helper()
	changed := false
	for _, i := range f.random.Perm(len(f.members)) {
		m := f.members[i]
		if (!changed || f.random.IntN(2) == 0) && f.right(f.t.Context(), m) == nil {
			f.change(m)
			changed = true
		}
	}
}

// right is nil when the member has the ports that it is to have: the static
// ones as they were declared, and those of its adapters.
func (f *fleet) right(ctx context.Context, m *member) error {
	live, err := f.git.Get(ctx, "StatefulSet", f.namespace, m.name)
	if err != nil {
		return err
	}
	ports := testenv.Ports(live, "server")
	got := slices.Sorted(slices.Values(ports))
	if want := slices.Sorted(slices.Values(slices.Concat(staticPorts, m.wanted))); !slices.Equal(got, want) {
		return fmt.Errorf("%s has ports %q, not %q", m.name, got, want)
	}
	return nil
}

func (f *fleet) allRight(ctx context.Context) error {
	var errs []error
	for _, m := range f.members {
		errs = append(errs, f.right(ctx, m))
	}
	return errors.Join(errs...)
}

func (f *fleet) waitRight() {
	f.t.Helper()
	testenv.Eventually(f.t, "the ports of all workloads", f.allRight)
}

// waitRecorded waits until the histories have what is live. A watch that comes
// back from an API server's absence has missed all but the last change.
func (f *fleet) waitRecorded() {
	f.t.Helper()
	for _, m := range f.members {
		m.history.Stored(f.t)
	}
}

// check looks back: each change that was called for was stored once, and no
// static port was ever another. Each change restarted the pod once.
func (f *fleet) check() {
	f.t.Helper()
	f.waitRight()
	f.waitRolledOut()
	starts := len(f.members)
	for _, m := range f.members {
		stored := m.history.Stored(f.t)
		if got := testenv.TemplateChanges(stored); got != m.calls {
			f.t.Errorf("%s: %d changes of the template were stored, and %d called for: %v", m.name, got, m.calls, portsIn(stored))
		}
		for _, s := range stored {
			if got := s.StaticPorts("server"); !slices.Equal(got, staticPorts) {
				f.t.Errorf("%s: generation %d has the static ports %q", m.name, s.Generation, got)
			}
		}
		starts += m.calls
	}
	if got := f.PodStarts(f.namespace); got != starts {
		f.t.Errorf("%d pods have started, not %d", got, starts)
	}
}

func portsIn(history []testenv.Stored) (ports [][]string) {
	for _, s := range history {
		ports = append(ports, s.Ports["server"])
	}
	return ports
}
