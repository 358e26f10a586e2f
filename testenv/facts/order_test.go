package facts_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

func TestFact03_AppliedOrderWins(t *testing.T) {
	t.Parallel()
	const swapped = "[{name: extra-smb, containerPort: 1445, protocol: TCP}, {name: extra-nfs, containerPort: 12049, protocol: TCP}]"
	t.Run("another order is a change", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static), contribute(shared(extras)),
			testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:2049/TCP", "extra-nfs:12049/TCP", "extra-smb:1445/TCP"}},
			contribute(shared(swapped)),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "extra-smb:1445/TCP", "extra-nfs:12049/TCP"},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("another order restarts the pods", func(t *testing.T) {
		t.Parallel()
		cp := testenv.WithControllers(t)
		notOnExisting(t, cp, needsPods)
		ns := cp.Namespace(t)
		scenario(testenv.Apply{Manager: owner, Object: running(declared(static))}, contribute(shared(extras))).RunIn(t, cp, ns)
		cp.WaitRolledOut(t, "StatefulSet", ns, files)
		starts, revisions := cp.PodStarts(ns), len(cp.Revisions(t, "StatefulSet", ns, files))
		scenario(contribute(shared(swapped))).RunIn(t, cp, ns)
		cp.WaitRolledOut(t, "StatefulSet", ns, files)
		if got := cp.PodStarts(ns); got != starts+1 {
			t.Errorf("%d pods started before, %d after, want one more", starts, got)
		}
		if got := cp.Revisions(t, "StatefulSet", ns, files); len(got) != revisions+1 {
			t.Errorf("%d revisions before, now %v, want one more", revisions, got)
		}
	})
	t.Run("two managers with two shared ports in opposite orders", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static), contribute(shared(extras)),
			by(third, contribute(shared(swapped))), testenv.Expect{Change: testenv.SpecChanged},
			contribute(shared(extras)), testenv.Expect{Change: testenv.SpecChanged},
			by(third, contribute(shared(swapped))), testenv.Expect{Change: testenv.SpecChanged},
			contribute(shared(extras)), testenv.Expect{Change: testenv.SpecChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("managers with shared ports in the same order", func(t *testing.T) {
		t.Parallel()
		for i := range uint64(24) {
			t.Run(fmt.Sprintf("seed %d", i), func(t *testing.T) {
				t.Parallel()
				sameOrder(t, rand.New(rand.NewPCG(i, 3)))
			})
		}
	})
}

// sameOrder runs a random history and then rounds of applies by three managers,
// whose lists have their shared ports in the same order. Once the order has
// settled, no round changes anything.
func sameOrder(t *testing.T, random *rand.Rand) {
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	scenario(declare(static)).RunIn(t, cp, ns)
	for range 8 {
		randomWrite(t, cp, ns, random)
	}

	order := shuffledPorts(random)
	final := []testenv.Apply{
		by(owner, testenv.Apply{Object: declared(someOf(order, random))}),
		contribute(shared(someOf(order, random))),
		by(third, contribute(shared(someOf(order, random)))),
	}
	round := func() {
		for _, i := range random.Perm(len(final)) {
			manager := cp.Manager(final[i].Manager).In(ns)
			// With force, because the history may have left their fields to other
			// managers.
			if _, err := manager.ForceApply(t.Context(), final[i].Object); err != nil {
				t.Fatalf("%s: %v\n%v", final[i], err, final[i].Object)
			}
		}
	}
	for range final { // an item may move once for each of its owners
		round()
	}
	settled := liveSet(t, cp, ns)
	for range 4 {
		round()
	}
	if now := liveSet(t, cp, ns); now.GetResourceVersion() != settled.GetResourceVersion() {
		t.Errorf("no-op rounds changed the object: ports %v, now %v", testenv.Ports(settled, files), testenv.Ports(now, files))
	}
}

// randomWrite is a write of the history: an apply of a random list, or an edit that
// reorders, drops and duplicates ports. It may be refused.
func randomWrite(t *testing.T, cp *testenv.ControlPlane, ns string, random *rand.Rand) {
	t.Helper()
	var err error
	ctx := t.Context()
	switch random.IntN(4) {
	case 0:
		_, err = cp.Manager(owner).In(ns).ForceApply(ctx, declared(randomPorts(random)))
	case 1:
		_, err = cp.Manager(contributor).In(ns).Apply(ctx, shared(randomPorts(random)))
	case 2:
		_, err = cp.Manager(third).In(ns).Apply(ctx, shared(randomPorts(random)))
	default:
		err = randomEdit(ctx, cp, ns, random)
	}
	if err != nil {
		t.Logf("refused in the history: %v", err)
	}
}

func randomEdit(ctx context.Context, cp *testenv.ControlPlane, ns string, random *rand.Rand) error {
	_, err := cp.Manager(testenv.KubectlEdit).Update(ctx, "StatefulSet", ns, files, func(u *unstructured.Unstructured) {
		testenv.EditContainer(u, files, func(c map[string]any) {
			ports, _ := c["ports"].([]any)
			random.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
			if len(ports) > 0 && random.IntN(3) == 0 {
				ports = ports[1:]
			}
			if len(ports) > 0 && random.IntN(2) == 0 {
				ports[0].(map[string]any)["hostPort"] = ports[0].(map[string]any)["containerPort"]
			}
			if len(ports) > 0 && random.IntN(2) == 0 {
				duplicate := map[string]any{"name": fmt.Sprintf("twin-%d", random.IntN(100))}
				for _, field := range []string{"containerPort", "protocol"} {
					duplicate[field] = ports[0].(map[string]any)[field]
				}
				ports = append(ports, duplicate)
			}
			c["ports"] = ports
		})
	})
	return err
}

func randomPorts(random *rand.Rand) string { return someOf(shuffledPorts(random), random) }

// shuffledPorts returns the ports in random order. Each number has one name, so
// that co-owners agree.
func shuffledPorts(random *rand.Rand) []string {
	all := []string{
		"{name: api, containerPort: 8080, protocol: TCP}", "{name: nfs, containerPort: 2049, protocol: TCP}",
		"{name: nfs-udp, containerPort: 2049, protocol: UDP}", "{name: extra-nfs, containerPort: 12049, protocol: TCP}",
		"{name: extra-smb, containerPort: 1445, protocol: TCP}", "{containerPort: 9000, protocol: TCP}",
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// someOf returns a list of some of the ports, in their order.
func someOf(ports []string, random *rand.Rand) string {
	some := slices.DeleteFunc(slices.Clone(ports), func(string) bool { return random.IntN(2) == 0 })
	return "[" + strings.Join(some, ", ") + "]"
}

func liveSet(t *testing.T, cp *testenv.ControlPlane, ns string) *unstructured.Unstructured {
	t.Helper()
	if cp.Existing() { // its controllers write status
		return cp.WaitRolledOut(t, "StatefulSet", ns, files)
	}
	return cp.Manager(contributor).MustGet(t, "StatefulSet", ns, files)
}
