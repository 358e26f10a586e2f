package histories_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/histories"
	"github.com/portside-dev/portside/testenv/memserver"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

var kinds = []histories.Kind{histories.Workloads, histories.Services}

// envNumber returns a number of the environment.
func envNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestInMemory plays random histories on a server in memory. PORTSIDE_HISTORIES is how many,
// half of them of each kind, and PORTSIDE_SEED the first seed. With GOGC=400, 100,000 take
// about four minutes on two processors.
func TestInMemory(t *testing.T) {
	t.Parallel()
	count, first := envNumber(t, "PORTSIDE_HISTORIES", 1000), envNumber(t, "PORTSIDE_SEED", 1)
	count = (count + 1) / uint64(len(kinds))
	ctx, stop := context.WithCancel(t.Context()) // a history that fails stops those of the other kind
	t.Cleanup(stop)
	for _, kind := range kinds {
		t.Run(kind.Name(), func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			cases := playAll(ctx, t, stop, kind, first, count)
			if ctx.Err() != nil {
				return
			}
			t.Logf("seeds %d to %d in %v; cases of the contract: %v", first, first+count-1, time.Since(begin).Round(time.Second), cases)
		})
	}
}

// playAll plays histories on all processors, and returns how often each case of the contract
// occurred. The first that fails is shrunk and reported.
func playAll(ctx context.Context, t *testing.T, stop func(), kind histories.Kind, first, count uint64) map[int]int {
	t.Helper()
	var mu sync.Mutex
	var done sync.WaitGroup
	cases := map[int]int{}
	workers := uint64(runtime.GOMAXPROCS(0))
	for worker := range workers {
		done.Go(func() {
			for seed := first + worker; seed < first+count && ctx.Err() == nil; seed += workers {
				h := histories.Draw(seed, kind)
				err := playInMemory(t.Context(), h, cases, &mu)
				if err == nil {
					continue
				}
				mu.Lock()
				if ctx.Err() == nil {
					stop()
					mu.Unlock()
					short, err := h.Shrink(func(h histories.History) error { return playInMemory(t.Context(), h, nil, nil) })
					t.Errorf("%v\n%s\nPORTSIDE_SEED=%d PORTSIDE_HISTORIES=1 plays the whole history", err, short, seed)
					return
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	return cases
}

func playInMemory(ctx context.Context, h histories.History, cases map[int]int, mu *sync.Mutex) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	server := memserver.New()
	player, err := histories.NewPlayer(h, histories.InMemory(server, "histories"), server.Client())
	if err != nil {
		return err
	}
	err = h.Play(ctx, player, nil)
	if mu != nil {
		mu.Lock()
		defer mu.Unlock()
		for c, n := range player.Cases {
			cases[c] += n
		}
	}
	return err
}

// onServer returns a player of a history on a real API server.
func onServer(t *testing.T, cp *testenv.ControlPlane, h histories.History) *histories.Player {
	t.Helper()
	client, err := appsclient.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	player, err := histories.NewPlayer(h, histories.OnServer(cp, cp.Namespace(t)), workload.ClientGo(client))
	if err != nil {
		t.Fatal(err)
	}
	return player
}
