package apply_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// numbered returns n adapters with types of their own, from the number first on.
func numbered(first, n int) []apply.Adapter {
	adapters := make([]apply.Adapter, n)
	for i := range adapters {
		adapters[i] = apply.Adapter{Type: fmt.Sprintf("t%d", first+i), Port: int64(1000 + first + i)}
	}
	return adapters
}

// manyPorts is a list of ports of n adapters, numbered from 2000.
func manyPorts(n int) string {
	ports := make([]string, n)
	for i := range ports {
		ports[i] = fmt.Sprintf("{name: adapter-o%d, containerPort: %d}", i, 2000+i)
	}
	return "[" + strings.Join(ports, ", ") + "]"
}

// bounded is a workload whose ports are reconciled step by step.
type bounded struct {
	*testing.T
	*apply.Applier
	target workload.Target
}

func newBounded(t *testing.T, ports string) bounded {
	t.Helper()
	cp := testenv.Shared(t)
	b := bounded{t, newApplier(t, cp), workload.Target{Kind: workload.StatefulSet, Namespace: cp.Namespace(t), Name: dittofs}}
	if _, err := cp.Manager(testenv.ArgoCD).In(b.target.Namespace).Apply(t.Context(), declared(workload.StatefulSet, ports)); err != nil {
		t.Fatal(err)
	}
	return b
}

// expect reconciles, and wants these ports alone to be blocked or removed, each as
// "name state reason", and this many adapter ports in the end.
func (b bounded) expect(want apply.Desired, ports int, blocked ...string) {
	b.Helper()
	result, err := b.Apply(b.Context(), b.target, want)
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, p := range result.Ports {
		if p.State != port.Owned && p.State != port.Shared {
			got = append(got, strings.TrimSpace(fmt.Sprint(p.Name, " ", p.State, " ", p.Reason)))
		}
	}
	if !slices.Equal(got, blocked) {
		b.Errorf("blocked or removed are %q, want %q", got, blocked)
	}
	live := 0
	for _, p := range result.After.Containers[0].Ports {
		if strings.HasPrefix(p.Name, port.NamePrefix) {
			live++
		}
	}
	if live != ports {
		b.Errorf("the container has %d adapter ports, want %d", live, ports)
	}
	if !result.UpToDate {
		b.Error("it is not up to date")
	}
}

// TestMaxPorts: a container gets no more adapter ports than the limit, and a
// surplus removes none.
func TestMaxPorts(t *testing.T) {
	t.Parallel()
	t.Run("retained ports stay, and new ones wait", func(t *testing.T) {
		t.Parallel()
		b := newBounded(t, static)
		b.expect(apply.Desired{Adapters: numbered(0, 63)}, 63)
		active, retained := slices.Concat(numbered(0, 60), numbered(100, 4)), numbered(60, 3)
		for range 2 {
			b.expect(apply.Desired{Adapters: active, Retained: retained}, 64,
				"adapter-t101 Blocked TooManyPorts", "adapter-t102 Blocked TooManyPorts", "adapter-t103 Blocked TooManyPorts")
		}
		// One is not retained any more, and makes room.
		b.expect(apply.Desired{Adapters: active, Retained: retained[1:]}, 64,
			"adapter-t102 Blocked TooManyPorts", "adapter-t103 Blocked TooManyPorts", "adapter-t60 Removed")
		b.expect(apply.Desired{Adapters: active}, 64, "adapter-t61 Removed", "adapter-t62 Removed")
	})
	t.Run("a retained port that is not live comes last", func(t *testing.T) {
		t.Parallel()
		b := newBounded(t, static)
		b.expect(apply.Desired{Adapters: numbered(0, 64), Retained: numbered(64, 1)}, 64, "adapter-t64 Blocked TooManyPorts")
	})
	t.Run("those of other managers count", func(t *testing.T) {
		t.Parallel()
		b := newBounded(t, manyPorts(62))
		b.expect(apply.Desired{Adapters: numbered(0, 3)}, 64, "adapter-t2 Blocked TooManyPorts")
		shared := []apply.Adapter{{Type: "o1", Port: 2001}}
		b.expect(apply.Desired{Adapters: append(shared, numbered(0, 3)...)}, 64, "adapter-t2 Blocked TooManyPorts")
	})
	t.Run("a full container renumbers", func(t *testing.T) {
		t.Parallel()
		b := newBounded(t, static)
		full := numbered(0, 64)
		b.expect(apply.Desired{Adapters: full}, 64)
		full[7].Port = 9000
		b.expect(apply.Desired{Adapters: full}, 64, "adapter-t7 Removed")
	})
	t.Run("beyond the limit nothing is removed", func(t *testing.T) {
		t.Parallel()
		b := newBounded(t, static)
		b.expect(apply.Desired{Adapters: numbered(0, 64)}, 64)
		cp := testenv.Shared(t)
		if _, err := cp.Manager(testenv.ArgoCD).In(b.target.Namespace).Apply(t.Context(), declared(workload.StatefulSet, manyPorts(3))); err != nil {
			t.Fatal(err)
		}
		b.expect(apply.Desired{Adapters: numbered(0, 64)}, 67)
		b.expect(apply.Desired{Adapters: append(numbered(0, 63), numbered(70, 1)...)}, 66, "adapter-t70 Blocked TooManyPorts", "adapter-t63 Removed")
	})
	t.Run("one that has the number of another is not counted", func(t *testing.T) {
		t.Parallel()
		b := newBounded(t, static)
		b.expect(apply.Desired{Adapters: numbered(0, 64), Retained: []apply.Adapter{{Type: "twin", Port: 1000}}}, 64, "adapter-twin Blocked DuplicatePort")
	})
}
