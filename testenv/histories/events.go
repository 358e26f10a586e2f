package histories

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/oracle"
)

// Event is a step of a history: of a manager, or of portside. It returns the answer as text,
// and an error for what must never happen.
type Event interface {
	fmt.Stringer
	run(ctx context.Context, p *Player) (answer string, violation error)
}

// Write is a step of another manager.
type Write struct{ Step }

func (w Write) run(ctx context.Context, p *Player) (string, error) {
	err := w.Run(ctx, &p.World)
	if err != nil && !IsAnswer(err) {
		return "", err
	}
	return Describe(err), nil
}

// Desire changes what is desired.
type Desire struct{ apply.Desired }

// askedNodePorts are the node ports that are asked for. They are of the part of the range
// that the API server allocates from last.
var askedNodePorts = []int32{30081, 30082}

// drawDesired draws desired ports, of which some may have an invalid number, or the name of
// another one. In a Service with node ports some ask for one, no two for the same: where
// adapters exchange their numbers in several writes, which of two has it depends on the order
// of the writes.
func drawDesired(r *rand.Rand, k Kind, variant string) Event {
	var d Desire
	free := slices.Clone(askedNodePorts)
	for _, name := range []string{"nfs", "smb", "ftp", "NFS"} {
		if r.IntN(2) == 0 || name == "NFS" && r.IntN(4) > 0 {
			continue
		}
		a := apply.Adapter{Type: name, Port: Pick(r, append(Numbers, Numbers[0], Numbers[1], Numbers[2], 0)...), Protocol: protocol(r)}
		if k != Services {
			d.Adapters = append(d.Adapters, a)
			continue
		}
		target := Pick(r, intstr.IntOrString{}, intstr.FromInt32(8001), intstr.FromString(oracle.PortName(name)))
		p := apply.ServicePort{Adapter: a, TargetPort: target}
		if variant == nodePorts && r.IntN(2) == 0 && len(free) > 0 {
			i := r.IntN(len(free))
			p.NodePort, free = free[i], slices.Delete(free, i, i+1)
		}
		d.ServicePorts = append(d.ServicePorts, p)
	}
	return d
}

// String returns the desired ports.
func (d Desire) String() string {
	ports := []string{"desired are"}
	for _, a := range d.Adapters {
		ports = append(ports, fmt.Sprintf("%s:%d/%s", a.Type, a.Port, a.Protocol))
	}
	for _, s := range d.ServicePorts {
		text := fmt.Sprintf("%s:%d/%s->%s", s.Type, s.Port, s.Protocol, s.TargetPort.String())
		if s.NodePort != 0 {
			text += fmt.Sprintf(" at %d", s.NodePort)
		}
		ports = append(ports, text)
	}
	return strings.Join(ports, " ")
}

func (d Desire) run(_ context.Context, p *Player) (string, error) {
	p.desire(d.Desired)
	return "", nil
}

// From is what a reconcile begins with.
type From int

// What a reconcile begins with.
const (
	Read    From = iota // it reads the object
	Whole               // an observation of the object as it is
	Trimmed             // the same, as a cache has it
)

// Reconcile reconciles.
type Reconcile struct{ From From }

func (e Reconcile) String() string {
	return [...]string{"a reconcile", "a reconcile from an observation", "a reconcile from a trimmed observation"}[e.From]
}

func (e Reconcile) run(ctx context.Context, p *Player) (string, error) {
	return p.reconcile(ctx, func(observed *workload.Workload) (apply.Result, error) {
		switch {
		case observed == nil || e.From == Read:
		case e.From == Whole:
			return p.applyFrom(ctx, observed)
		case e.From == Trimmed:
			return p.applyFrom(ctx, trimmed(observed))
		}
		return p.applier.Apply(ctx, p.target(), p.desired)
	})
}

// Observe keeps an observation for a later reconcile.
type Observe struct{}

func (Observe) String() string { return "an observation" }

func (Observe) run(ctx context.Context, p *Player) (string, error) {
	observed, err := p.observe(ctx)
	if observed != nil {
		p.observations = append(p.observations, observed)
	}
	return "", err
}

// StaleReconcile reconciles from an earlier observation.
type StaleReconcile struct {
	Observation int // counted around
	Trimmed     bool
}

func (e StaleReconcile) String() string {
	return fmt.Sprintf("a reconcile from observation %d, trimmed: %t", e.Observation, e.Trimmed)
}

func (e StaleReconcile) run(ctx context.Context, p *Player) (string, error) {
	if len(p.observations) == 0 {
		return "", nil
	}
	observed := p.observations[e.Observation%len(p.observations)]
	if e.Trimmed {
		observed = trimmed(observed)
	}
	return p.reconcile(ctx, func(*workload.Workload) (apply.Result, error) { return p.applyFrom(ctx, observed) })
}

// DryRun is a dry run of a reconcile.
type DryRun struct{}

func (DryRun) String() string { return "a dry run of a reconcile" }

func (DryRun) run(ctx context.Context, p *Player) (string, error) {
	before, err := p.Live(ctx)
	if err != nil || before == nil {
		return "", err
	}
	result, problem := p.dry.Apply(ctx, p.target(), p.desired)
	after, err := p.Live(ctx)
	if err != nil {
		return "", err
	}
	return describe(result, problem), errors.Join(untouched(before, after), p.foresees(before, result, problem))
}

// Adopt adopts from a manager.
type Adopt struct{ Manager string }

func (e Adopt) String() string { return "an adoption from " + e.Manager }

func (e Adopt) run(ctx context.Context, p *Player) (string, error) {
	before, err := p.Live(ctx)
	if err != nil || before == nil {
		return "", err
	}
	result, problem := p.applier.Adopt(ctx, p.target(), p.desired.Container, []string{e.Manager})
	after, err := p.Live(ctx)
	if err != nil {
		return "", err
	}
	again, err := p.applier.Adopt(ctx, p.target(), p.desired.Container, []string{e.Manager})
	if _, is := errors.AsType[*apply.NotDedicatedError](err); is {
		err = nil // adopted checks that nothing was written
	} else if err == nil && again.Outcome == apply.Applied {
		err = fmt.Errorf("a second adoption is %s", again.Outcome)
	}
	return describe(result, problem), errors.Join(p.adopted(e.Manager, before, after, result, problem), err)
}

// Release gives up all that is ours.
type Release struct{ KeepPorts bool }

func (e Release) String() string { return fmt.Sprintf("a release, keeping ports: %t", e.KeepPorts) }

func (e Release) run(ctx context.Context, p *Player) (string, error) {
	before, err := p.Live(ctx)
	if err != nil || before == nil {
		return "", err
	}
	result, problem := p.applier.Release(ctx, p.target(), e.KeepPorts)
	after, err := p.Live(ctx)
	if err != nil {
		return "", err
	}
	return describe(result, problem), p.released(e.KeepPorts, before, after, result, problem)
}

// trimmed returns an observation as a cache has it.
func trimmed(w *workload.Workload) *workload.Workload {
	if w.TrimmedFor != "" {
		return w
	}
	kept, err := workload.ReadTrimmed(w.Object(), testenv.Portside)
	if err != nil {
		panic(fmt.Sprintf("histories: %v", err))
	}
	return kept
}

// entryOf returns the fields of a manager's entry as JSON.
func entryOf(entries []metav1.ManagedFieldsEntry, manager string, operation metav1.ManagedFieldsOperationType) string {
	for _, e := range entries {
		if e.Manager == manager && e.Operation == operation && e.FieldsV1 != nil {
			return e.FieldsV1.String()
		}
	}
	return ""
}
