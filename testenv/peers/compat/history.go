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

// seedVariable replays a history: it is the number that a failure prints.
const seedVariable = "PORTSIDE_SEED"

// history is a random history of commits and adapters. The universe is small,
// so that numbers collide all the time.
type history struct {
	*Site
	mode   Mode
	rand   *rand.Rand
	commit Commit
	// accepted is the last commit that the tool could sync.
	accepted Commit
	adapters []apply.Adapter
	refused  int
}

// History has the owner change the image and its ports at random while adapters
// come, move and go, with a sync and a pass in each round. After every step the
// static ports must be those of Git, in its order, the adapter ports those that
// the contract says, and the template must have changed only where Git or the
// adapters asked for it. Where conflicts are not forced, a commit that takes the
// number of a live adapter port must be refused, and no other.
func (m Mode) History(t testing.TB) { m.HistoryOf(t, Kind) }

// HistoryOf is History at a workload of another kind.
func (m Mode) HistoryOf(t testing.TB, kind string) {
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		seed = given
	}
	h := &history{Site: NewSite(t, testenv.Shared(t)), mode: m, rand: rand.New(rand.NewPCG(seed, 0)), commit: First()} //nolint:gosec // G404: a history to replay, not a secret.
	h.Site.Kind, h.commit.Kind = kind, kind
	m.sync(h.Site, h.commit)
	h.accepted = h.commit
	for round := range Rounds() {
		if err := h.round(); err != nil {
			t.Fatalf("%s=%d: round %d: %v\nGit %s\nlast synced %s\nadapters %v\nlive %q", seedVariable, seed, round, err,
				h.commit.PortsYAML(), h.accepted.PortsYAML(), h.adapters, Ports(h.Live()))
		}
	}
	t.Logf("%s=%d: %d rounds, %d commits refused for a while", seedVariable, seed, Rounds(), h.refused)
}

func (h *history) round() error {
	if h.rand.IntN(3) > 0 {
		h.nextCommit()
	}
	if err := h.sync(); err != nil {
		return fmt.Errorf("the sync: %w", err)
	}
	if h.rand.IntN(3) > 0 {
		h.nextAdapters()
	}
	if err := h.pass(); err != nil {
		return fmt.Errorf("the pass: %w", err)
	}
	return nil
}

// nextCommit draws a commit: an image, and up to four ports with unique names
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

// isAdapters tells that a live adapter port has the number.
func (h *history) isAdapters(number int) bool {
	return slices.ContainsFunc(Adapters(h.Live()), func(port string) bool {
		return strings.Contains(port, fmt.Sprintf(":%d/", number))
	})
}

// protocol draws one, where the tool can tell two of one number apart.
func (h *history) protocol(number int) string {
	if h.mode.ByNumber {
		return []string{"TCP", "UDP"}[number%2]
	}
	return []string{"TCP", "TCP", "UDP"}[h.rand.IntN(3)]
}

// nextAdapters draws adapters with numbers of their own, some of which Git has,
// or now and then none.
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

// sync syncs the commit and compares what is then live with the model.
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
	asked := !slices.Equal(Statics(before), h.commit.lines()) || image(before) != h.commit.Image ||
		h.mode.Replaces && len(Adapters(before)) > 0
	return h.check(before, after, asked)
}

// takes are the live adapter ports whose number and protocol the commit
// declares.
func (h *history) takes(live *unstructured.Unstructured) []string {
	return slices.DeleteFunc(Adapters(live), func(port string) bool {
		return !h.commit.declares(port[strings.Index(port, ":")+1:])
	})
}

func (c Commit) declares(key string) bool {
	return slices.ContainsFunc(c.Ports, func(p Port) bool { return p.key() == key })
}

// pass makes a pass and compares what is then live with the contract: an active
// adapter has its port unless Git declares the number and protocol.
func (h *history) pass() error {
	before := h.Live()
	if _, err := h.Site.pass(h.adapters); err != nil {
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
		return fmt.Errorf("the adapter ports are %q, the contract says %q", got, want)
	}
	return h.check(before, after, !slices.Equal(was, got))
}

// check compares the static ports and the image with Git's, and the template's
// changes with those asked for: one, or none.
func (h *history) check(before, after *unstructured.Unstructured, asked bool) error {
	if got := Statics(after); !slices.Equal(got, h.accepted.lines()) {
		return fmt.Errorf("the static ports are %q", got)
	}
	if got := image(after); got != h.accepted.Image {
		return fmt.Errorf("the image is %s, not %s", got, h.accepted.Image)
	}
	if !asked {
		return sameTemplate(before, after)
	}
	if changes := after.GetGeneration() - before.GetGeneration(); changes != 1 {
		return fmt.Errorf("one change was asked for, and the template changed %d times", changes)
	}
	return nil
}

func sameTemplate(before, after *unstructured.Unstructured) error {
	if before.GetGeneration() != after.GetGeneration() {
		return fmt.Errorf("nobody asked for it, and the template changed: %q became %q", Ports(before), Ports(after))
	}
	return nil
}
