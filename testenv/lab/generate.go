package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// rounds is the number of rounds of a history. A round is some steps, and then a quiet
// period with the checks. Every other round has a single step, whose effect is exactly
// known.
const rounds = 8

// mostRemovals is how often in a history another manager removes ports of portside's:
// after five re-adds in ten minutes portside adds them only once an hour.
const mostRemovals = 4

// There are few numbers and names, so that ports meet.
var (
	numbers      = []int{2049, 445, 12049, 12445, 12050}
	staticNames  = []string{"", "", "api", "nfs", "metrics", "web", "adapter-nfs", "adapter-smb"}
	adapterTypes = []string{"nfs", "smb", "web dav"}
)

// generator draws a history. The same seed and index draw the same history.
type generator struct {
	random   *rand.Rand
	removals int
	service  bool
	// undo ends what stops portside, such as a pause. It comes soon, so that most steps of
	// a history have an effect.
	undo *step
}

func generate(seed uint64, index, steps int) *history {
	g := &generator{random: rand.New(rand.NewPCG(seed, uint64(index)))} //nolint:gosec // G404: a seed that can be replayed
	h := &history{
		Seed: seed, Index: index,
		Kind:     g.weighted("StatefulSet", 5, "Deployment", 4, "DaemonSet", 1),
		Style:    ownerStyle(g.weighted(string(serverSide), 4, string(clientSide), 2, string(updates), 2)),
		Replicas: g.replicas(),
		Service:  g.weighted("", 3, "ClusterIP", 1, "NodePort", 1),
	}
	if h.Kind == "DaemonSet" { // its controller waits a minute and more to replace some pods
		h.Replicas = 0
	}
	g.service = h.Service != ""
	first := []step{{Op: opDeclare, Ports: g.static()}, {Op: opPolicy, Text: g.rollout()}, {Op: opAdapters, Ports: g.adapters()}}
	if g.service {
		first = append(first, step{Op: opService, Ports: g.servicePorts()}, step{Op: opPolicy, Text: "services: [{name: files}]"})
	}
	h.Steps = first
	for len(h.Steps) < steps {
		h.Steps = append(h.Steps, g.next())
	}
	for i := range h.Steps {
		h.Steps[i].Round = roundOf(i-len(first), len(h.Steps)-len(first))
	}
	return h
}

// roundOf returns the round of a step after the first ones, which are round 0: odd rounds
// have one step, and the even ones share the rest.
func roundOf(i, steps int) int {
	if i < 0 {
		return 0
	}
	const singles = rounds / 2
	burst := max(1, (steps-singles)/(rounds-singles))
	for round := range rounds {
		size := burst
		if round%2 == 1 {
			size = 1
		}
		if i < size {
			return round
		}
		i -= size
	}
	return rounds - 1 // what division leaves over
}

// weighted draws one of the values, each followed by its weight.
func (g *generator) weighted(choices ...any) string {
	total := 0
	for i := 1; i < len(choices); i += 2 {
		total += choices[i].(int)
	}
	drawn := g.random.IntN(total)
	for i := 0; ; i += 2 {
		if drawn -= choices[i+1].(int); drawn < 0 {
			return choices[i].(string)
		}
	}
}

// next draws a step.
func (g *generator) next() step {
	if g.undo != nil && g.random.IntN(3) == 0 {
		s := *g.undo
		g.undo = nil
		return s
	}
	s := g.draw()
	switch {
	case s.Op == opPause:
		g.undo = &step{Op: opResume}
	case s.Op == opPauseSv:
		g.undo = &step{Op: opResumeSv}
	case s.Op == opDelete:
		g.undo = &step{Op: opDeclare, Ports: g.static()}
	case s.Op == opRemoveSet:
		g.undo = &step{Op: opAdapters, Ports: g.adapters()}
	case s.Op == opDeleteSv:
		g.undo = &step{Op: opService, Ports: g.servicePorts()}
	case s.Text == suspended:
		g.undo = &step{Op: opPolicy, Text: "suspend: false"}
	case s.Text == ignored:
		g.undo = &step{Op: opPolicy, Text: "containerPorts: Manage"}
	}
	return s
}

const (
	suspended = "suspend: true"
	ignored   = "containerPorts: Ignore"
)

func (g *generator) draw() step {
	kind := op(g.weighted(
		string(opDeclare), 10, string(opShare), 4, string(opRename), 4, string(opDrop), 2, string(opAdd), 3,
		string(opReplace), 2, string(opScale), 3, string(opImage), 3, string(opPause), 1,
		string(opDelete), 1, string(opRecreate), 2, string(opDisown), 1, string(opForget), 1,
		string(opAdapters), 18, string(opPolicy), 4, string(opRemoveSet), 1,
		string(opService), 3, string(opRenameOfSv), 2, string(opDeleteSv), 1, string(opPauseSv), 1,
	))
	if !g.service && slices.Contains([]op{opService, opRenameOfSv, opDeleteSv, opPauseSv}, kind) {
		kind = opAdapters
	}
	if kind == opReplace || kind == opDrop {
		if g.removals++; g.removals > mostRemovals {
			kind = opDeclare
		}
	}
	s := step{Op: kind}
	switch kind {
	case opDeclare, opRecreate:
		s.Ports = g.static()
	case opShare:
		s.Ports = g.static()
	case opAdd:
		s.Ports = []string{g.port()}
	case opRename, opRenameOfSv:
		s.N, s.Text = g.random.IntN(8), staticNames[g.random.IntN(len(staticNames))]
	case opDrop, opDisown:
		s.N = g.random.IntN(8)
	case opScale:
		s.N = g.replicas()
	case opImage:
		s.N = g.random.IntN(100)
	case opAdapters:
		s.Ports = g.adapters()
	case opPolicy:
		s.Text = g.policy()
	case opService:
		s.Ports = g.servicePorts()
	case opReplace, opPause, opResume, opDelete, opForget, opRemoveSet, opDeleteSv, opPauseSv, opResumeSv:
	}
	return s
}

// replicas draws a number of pods, mostly none: then a rollout takes no time.
func (g *generator) replicas() int { return []int{0, 0, 0, 0, 0, 0, 0, 0, 1, 2}[g.random.IntN(10)] }

func (g *generator) port() string {
	return fmt.Sprintf("%s:%d/%s", staticNames[g.random.IntN(len(staticNames))], numbers[g.random.IntN(len(numbers))], g.protocol())
}

func (g *generator) protocol() string {
	if g.random.IntN(5) == 0 {
		return "UDP"
	}
	return "TCP"
}

// static draws up to four ports with different keys and names.
func (g *generator) static() []string {
	var ports []string
	for range g.random.IntN(5) {
		port := g.port()
		name, key, _ := strings.Cut(port, ":")
		if !slices.ContainsFunc(ports, func(other string) bool {
			return strings.HasSuffix(other, ":"+key) || name != "" && strings.HasPrefix(other, name+":")
		}) {
			ports = append(ports, port)
		}
	}
	return ports
}

// servicePorts draws one to three ports with names, which a Service with several ports
// needs.
func (g *generator) servicePorts() []string {
	ports := []string{"api:80/TCP"}
	for i, name := range []string{"nfs", "metrics"} {
		if g.random.IntN(2) == 0 {
			ports = append(ports, fmt.Sprintf("%s:%d/TCP", name, numbers[(g.random.IntN(2)*2+i)%len(numbers)]))
		}
	}
	g.random.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
	return ports
}

// adapters draws active adapters. Some have the same number.
func (g *generator) adapters() []string {
	var adapters []string
	for _, i := range g.random.Perm(len(adapterTypes)) {
		if g.random.IntN(3) > 0 {
			adapters = append(adapters, fmt.Sprintf("%s:%d/%s", adapterTypes[i], numbers[g.random.IntN(len(numbers))], g.protocol()))
		}
	}
	return adapters
}

func (g *generator) rollout() string {
	delay := []int{0, 0, 1, 3600}[g.random.IntN(4)]
	return fmt.Sprintf("rollout: {stabilizationWindowSeconds: %d, removalDelaySeconds: %d}", g.random.IntN(2), delay)
}

func (g *generator) policy() string {
	choices := []string{
		"deletionPolicy: Remove", "deletionPolicy: Retain",
		suspended, ignored,
		"companions: [{name: nfs-udp, adapter: nfs, protocol: UDP}]", "companions: []",
	}
	if g.service {
		choices = append(choices, "services: [{name: files}]", "services: [{name: files}]", "services: []")
	}
	if i := g.random.IntN(len(choices) + 4); i < len(choices) {
		return choices[i]
	}
	return g.rollout()
}
