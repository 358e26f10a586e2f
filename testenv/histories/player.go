package histories

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/oracle"
)

// contract is what a reconcile must comply with.
var contract = oracle.Contract{Manager: testenv.Portside, Transfers: true}

// Player plays one history.
type Player struct {
	World

	kind         workload.Kind
	applier, dry *apply.Applier
	desired      apply.Desired
	observations []*workload.Workload
	// Cases counts the cases of the contract that occurred.
	Cases map[int]int
}

// NewPlayer returns a player of a history. The client writes to the API.
func NewPlayer(h History, api API, client workload.Client) (*Player, error) {
	p := &Player{World: World{API: api, Kind: h.Kind, Variant: h.Variant}, kind: workload.StatefulSet, Cases: map[int]int{}}
	if h.Kind == Services {
		p.kind = workload.Service
	}
	p.desire(apply.Desired{})
	var err, problem error
	p.applier, err = apply.New(audited{client})
	p.dry, problem = apply.New(audited{client}, apply.WithDryRun(true))
	return p, errors.Join(err, problem)
}

// desire changes what is desired. Of several containers the one with the ports is named.
func (p *Player) desire(d apply.Desired) {
	if p.desired = d; p.Kind == Workloads && p.Variant != "" {
		p.desired.Container = p.Kind.Container()
	}
}

func (p *Player) target() workload.Target {
	return workload.Target{Kind: p.kind, Namespace: p.Namespace, Name: Name}
}

// observe reads the object, nil where there is none, and checks that a trimmed observation
// leads to the same decision.
func (p *Player) observe(ctx context.Context) (*workload.Workload, error) {
	observed, err := p.applier.Get(ctx, p.target())
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return observed, p.sameTrimmed(observed)
}

func (p *Player) decide(w *workload.Workload) (*apply.Plan, error) {
	observed, err := p.applier.Observe(w)
	if err != nil {
		return nil, err
	}
	return observed.Decide(p.desired)
}

func (p *Player) applyFrom(ctx context.Context, w *workload.Workload) (apply.Result, error) {
	plan, err := p.decide(w)
	if plan == nil {
		return apply.Result{Outcome: apply.Failed}, err
	}
	return p.applier.ApplyFrom(ctx, plan)
}

// reconcile reconciles by a function that is given a current observation, and checks what
// must hold after every reconcile.
func (p *Player) reconcile(ctx context.Context, do func(*workload.Workload) (apply.Result, error)) (string, error) {
	before, err := p.Live(ctx)
	if err != nil {
		return "", err
	}
	observed, err := p.observe(ctx)
	if err != nil {
		return "", err
	}
	upToDate := false
	if observed != nil {
		p.observations = append(p.observations, observed)
		if upToDate, err = p.upToDate(observed); err != nil {
			return "", err
		}
	}
	result, problem := do(observed)
	answer := describe(result, problem)
	after, err := p.Live(ctx)
	if err != nil {
		return answer, err
	}
	if before == nil {
		if after != nil || result.Outcome != apply.TargetNotFound && !writesNothing(result) {
			return answer, fmt.Errorf("without an object it is %s", answer)
		}
		return answer, nil
	}
	if upToDate {
		if err := untouched(before, after); err != nil {
			return answer, fmt.Errorf("it was up to date: %w", err)
		}
	}
	if result.Before != nil && result.Before.ResourceVersion != before.GetResourceVersion() {
		if !writesNothing(result) {
			return answer, fmt.Errorf("from a stale observation it is %s", answer)
		}
		return answer, untouched(before, after)
	}
	if err := p.complies(before, after, result, problem); err != nil {
		return answer, fmt.Errorf("%w\n%s\ndesired %s\nbefore %s\nafter  %s", err, answer, Desire{p.desired}, text(before), text(after))
	}
	return answer, p.settled(ctx, after, result, problem)
}

// lacksContainer reports whether the object exists without the container.
func (p *Player) lacksContainer(ctx context.Context) bool {
	live, err := p.Live(ctx)
	if err != nil || live == nil {
		return false
	}
	_, err = contract.Read(live, p.Kind.Container())
	return errors.Is(err, oracle.ErrNoContainer)
}

// writesNothing reports whether a reconcile from a stale observation had nothing to write.
func writesNothing(r apply.Result) bool {
	return r.Before != nil && (r.Outcome == apply.Unchanged || r.Outcome == apply.Paused)
}

// wanted returns what is desired, for the oracle.
func (p *Player) wanted() []oracle.Port {
	var ports []oracle.Port
	add := func(a apply.Adapter, fields map[string]string) {
		ports = append(ports, oracle.Port{
			Key: oracle.Key{Number: a.Port, Protocol: strings.ToUpper(a.Protocol)}, Name: oracle.PortName(a.Type),
			Fields: fields, Invalid: a.Port < 1 || a.Port > 65535,
		})
	}
	for _, a := range p.desired.Adapters {
		add(a, nil)
	}
	for _, s := range p.desired.ServicePorts {
		target := s.TargetPort.String()
		if s.TargetPort == (intstr.IntOrString{}) {
			target = fmt.Sprint(s.Port)
		}
		fields := map[string]string{oracle.TargetPort: target}
		if s.NodePort != 0 {
			fields[oracle.NodePort] = fmt.Sprint(s.NodePort)
		}
		add(s.Adapter, fields)
	}
	return ports
}

// describe returns a result with the state of every port.
func describe(r apply.Result, err error) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s up to date: %t", r.Outcome, r.UpToDate)
	if err != nil {
		fmt.Fprintf(&s, " %s", Describe(err))
	}
	for _, p := range r.Ports {
		fmt.Fprintf(&s, "\n  %s %d/%s %s %s %s", p.Name, p.Port, p.Protocol, p.State, p.Reason, p.Message)
	}
	return s.String()
}

// text returns the ports of an object, and managedFields.
func text(object *unstructured.Unstructured) string {
	if object == nil {
		return "none"
	}
	lines := []string{fmt.Sprintf("%q", testenv.Ports(object, Name))}
	for _, e := range object.GetManagedFields() {
		lines = append(lines, fmt.Sprintf("  %s %s", testenv.Owner(e.Manager, e.Operation), e.FieldsV1))
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}
