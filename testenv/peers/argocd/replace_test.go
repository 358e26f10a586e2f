package argocd_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestReplaceHistory: a sync with Replace=true takes our ports away, and leaves
// the static ones as Git says; the pass after it puts ours back beside them. Git
// leaves the numbers of live adapter ports alone, see [TestTakenNumber].
// PORTSIDE_SEED replays a history.
func TestReplaceHistory(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("PORTSIDE_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("PORTSIDE_SEED=%d", seed)
	draw := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: a history to replay, not a secret.
	s, sync := compat.NewSite(t, testenv.Shared(t)), replace().mode(t).Sync
	var ours []string // the live adapter ports
	for round := range compat.Rounds() {
		commit := compat.First().With()
		names := []string{"api", "metrics", "nfs"}
		var static, want []string
		for i, number := range draw.Perm(6)[:draw.IntN(4)] {
			if slices.ContainsFunc(ours, func(port string) bool { return strings.HasSuffix(port, fmt.Sprintf(":%d/TCP", 7001+number)) }) {
				continue
			}
			commit = commit.And(compat.Port{Name: names[i], Number: 7001 + number})
			static = append(static, fmt.Sprintf("%s:%d/TCP", names[i], 7001+number))
		}
		must(t, sync(s, commit))
		if got := compat.Ports(s.Live()); !slices.Equal(got, static) {
			t.Fatalf("round %d: after the sync of %s the ports are %q", round, commit.PortsYAML(), got)
		}
		var adapters []apply.Adapter
		for i, number := range draw.Perm(6)[:draw.IntN(4)] {
			adapter := compat.Adapter([]string{"nfs", "smb", "ftp"}[i], int64(7001+number))
			adapters = append(adapters, adapter)
			taken := slices.ContainsFunc(commit.Ports, func(p compat.Port) bool { return p.Number == 7001+number })
			if !taken {
				want = append(want, fmt.Sprintf("adapter-%s:%d/TCP", adapter.Type, adapter.Port))
			}
		}
		s.Pass(adapters...)
		live := s.Live()
		if got := compat.Statics(live); !slices.Equal(got, static) {
			t.Fatalf("round %d: after the pass the static ports are %q, want %q", round, got, static)
		}
		ours = slices.Sorted(slices.Values(compat.Adapters(live)))
		if slices.Sort(want); !slices.Equal(ours, want) {
			t.Fatalf("round %d: after the pass the adapter ports are %q, want %q", round, ours, want)
		}
	}
}

// TestTakenNumber: Git takes the number of an adapter port without server-side
// apply. Then it owns the name, and portside the item still, which goes when the
// adapter does. Argo CD sees that, and puts back what is its own from then on.
func TestTakenNumber(t *testing.T) {
	t.Parallel()
	taking := compat.First().And(compat.Port{Name: "nfs", Number: 12049})
	for _, u := range []setup{clientSide(), replace()} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			must(t, u.mode(t).Sync(s, compat.First()))
			s.Pass(compat.Adapter("nfs", 12049))
			d, err := deploy(s, u.definition(t), taking.Manifest())
			must(t, err)
			must(t, d.sync())
			s.Pass(compat.Adapter("nfs", 12049))
			expectPorts(t, s, "api:8080/TCP", "metrics:9090/TCP", "nfs:12049/TCP")
			s.Pass()
			expectPorts(t, s, "api:8080/TCP", "metrics:9090/TCP")
			if synced, err := d.selfHeal(); err != nil || !synced {
				t.Errorf("Argo CD healed: %t, %v", synced, err)
			}
			for _, adapters := range [][]apply.Adapter{{compat.Adapter("nfs", 12049)}, nil} {
				s.Pass(adapters...)
				expectPorts(t, s, "api:8080/TCP", "metrics:9090/TCP", "nfs:12049/TCP")
				healsNothing(t, d, "once it has put its port back")
			}
		})
	}
}
