package compat

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// seedVariable names the variable that replays a history. A failure prints its
// value.
const seedVariable = "PORTSIDE_SEED"

// history is a random history of commits and adapters. It has few numbers and
// names, so that they collide often.
type history struct {
	*Site
	mode   Mode
	rand   *rand.Rand
	commit Commit
	// accepted is the last commit that was synced.
	accepted Commit
	adapters []apply.Adapter
	refused  int
}

// History has the owner change the image and its ports at random while adapters are
// added, moved and removed, with a sync and a reconciliation in each round. After
// every step the static ports must be Git's, in Git's order, the adapter ports must
// follow the contract, and the template must have changed only if Git or the
// adapters required it. Where conflicts are not forced, a commit that takes the
// number of a live adapter port must be refused, and no other.
func (m Mode) History(t testing.TB) { m.HistoryOf(t, Kind) }

// HistoryOf is History with a workload of another kind.
func (m Mode) HistoryOf(t testing.TB, kind string) {
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		seed = given
	}
	h := &history{Site: NewSite(t, testenv.Shared(t)), mode: m, rand: rand.New(rand.NewPCG(seed, 0)), commit: First()} //nolint:gosec // G404: a seed that can be replayed
	h.Site.Kind, h.commit.Kind = kind, kind
	m.sync(h.Site, h.commit)
	h.accepted = h.commit
	for round := range Rounds() {
		if err := h.round(); err != nil {
			t.Fatalf("%s=%d: round %d: %v\nGit %s\nlast synced %s\nadapters %v\nlive %q", seedVariable, seed, round, err,
				h.commit.PortsYAML(), h.accepted.PortsYAML(), h.adapters, Ports(h.Live()))
		}
	}
	t.Logf("%s=%d: %d rounds, %d refused syncs", seedVariable, seed, Rounds(), h.refused)
}

func (h *history) round() error {
	if h.rand.IntN(3) > 0 {
		h.nextCommit()
	}
	if err := h.sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if h.rand.IntN(3) > 0 {
		h.nextAdapters()
	}
	if err := h.reconcile(); err != nil {
		return fmt.Errorf("reconciliation: %w", err)
	}
	return nil
}

// nextCommit draws a commit with an image and up to four ports with unique names
// and keys.
func (h *history) nextCommit() {
	h.commit = Commit{Kind: h.Kind, Image: fmt.Sprintf("dittofs:v%d", h.rand.IntN(3))}
	names := []string{"api", "metrics", "nfs", "web"}
	h.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for i, number := range h.rand.Perm(6)[:h.rand.IntN(5)] {
		if h.mode.Ignores && h.isAdapters(7001+number) {
			continue
		}
		h.commit.Ports = append(h.commit.Ports, Port{Name: names[i], Number: 7001 + number, Protocol: h.protocol(number)})
	}
}

// isAdapters reports whether a live adapter port has the number.
func (h *history) isAdapters(number int) bool {
	return slices.ContainsFunc(Adapters(h.Live()), func(port string) bool {
		return strings.Contains(port, fmt.Sprintf(":%d/", number))
	})
}

// protocol draws a protocol, or returns the only one of the number if the tool
// merges by number.
func (h *history) protocol(number int) string {
	if h.mode.ByNumber {
		return []string{"TCP", "UDP"}[number%2]
	}
	return []string{"TCP", "TCP", "UDP"}[h.rand.IntN(3)]
}

// nextAdapters draws adapters with unique numbers, some of which Git has too, or
// sometimes none.
func (h *history) nextAdapters() {
	h.adapters = nil
	if h.rand.IntN(4) == 0 {
		return
	}
	for i, number := range h.rand.Perm(6)[:3] {
		adapter := Adapter([]string{"nfs", "smb", "ftp"}[i], int64(7001+number))
		adapter.Protocol = h.protocol(number)
		if active := h.rand.IntN(4) > 0; active {
			h.adapters = append(h.adapters, adapter)
		}
	}
	h.rand.Shuffle(len(h.adapters), func(i, j int) { h.adapters[i], h.adapters[j] = h.adapters[j], h.adapters[i] })
}

// sync syncs the commit and compares the live object with the model.
func (h *history) sync() error {
	before := h.Live()
	taken := h.takes(before)
	if err := h.mode.Sync(h.Site, h.commit); err != nil {
		if h.mode.Forces || len(taken) == 0 {
			return err
		}
		h.refused++
		return sameTemplate(before, h.Live())
	}
	if !h.mode.Forces && len(taken) > 0 {
		return fmt.Errorf("it took %q without force", taken)
	}
	h.accepted = h.commit
	after := h.Live()
	kept := slices.DeleteFunc(Adapters(before), func(port string) bool { return h.mode.Replaces || slices.Contains(taken, port) })
	if got := Adapters(after); !slices.Equal(got, kept) {
		return fmt.Errorf("the adapter ports %q became %q", Adapters(before), got)
	}
	changes := !slices.Equal(Statics(before), h.commit.lines()) || image(before) != h.commit.Image ||
		h.mode.Replaces && len(Adapters(before)) > 0
	return h.check(before, after, changes)
}

// takes returns the live adapter ports whose number and protocol the commit
// declares.
func (h *history) takes(live *unstructured.Unstructured) []string {
	return slices.DeleteFunc(Adapters(live), func(port string) bool {
		return !h.commit.declares(port[strings.Index(port, ":")+1:])
	})
}

func (c Commit) declares(key string) bool {
	return slices.ContainsFunc(c.Ports, func(p Port) bool { return p.key() == key })
}

// reconcile reconciles the adapter ports and compares the live object with the
// contract: an active adapter has its port unless Git declares the number and
// protocol.
func (h *history) reconcile() error {
	before := h.Live()
	if _, err := h.Site.reconcile(h.adapters); err != nil {
		return err
	}
	after := h.Live()
	var want []string
	for _, a := range h.adapters {
		if port := (Port{Name: apply.PortName(a.Type), Number: int(a.Port), Protocol: a.Protocol}); !h.accepted.declares(port.key()) {
			want = append(want, port.String())
		}
	}
	was, got := slices.Sorted(slices.Values(Adapters(before))), slices.Sorted(slices.Values(Adapters(after)))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the adapter ports are %q, want %q by the contract", got, want)
	}
	return h.check(before, after, !slices.Equal(was, got))
}

// check compares the static ports and the image with Git's, and the number of
// changes of the template with the expected one, 1 or 0.
func (h *history) check(before, after *unstructured.Unstructured, changes bool) error {
	if got := Statics(after); !slices.Equal(got, h.accepted.lines()) {
		return fmt.Errorf("the static ports are %q", got)
	}
	if got := image(after); got != h.accepted.Image {
		return fmt.Errorf("the image is %s, want %s", got, h.accepted.Image)
	}
	if !changes {
		return sameTemplate(before, after)
	}
	if got := after.GetGeneration() - before.GetGeneration(); got != 1 {
		return fmt.Errorf("the template changed %d times, want once", got)
	}
	return nil
}

func sameTemplate(before, after *unstructured.Unstructured) error {
	if before.GetGeneration() != after.GetGeneration() {
		return fmt.Errorf("the template changed without a reason: %q became %q", Ports(before), Ports(after))
	}
	return nil
}
