package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

const (
	dittofs = "dittofs"

	usApply     = testenv.Portside + "/Apply"
	argoApply   = testenv.ArgoCD + "/Apply"
	editUpdate  = testenv.KubectlEdit + "/Update"
	legacy      = testenv.DittoFSOperator + "/Update"
	alice       = "alice"
	aliceApply  = "alice/Apply"
	beforeFirst = fieldmanager.BeforeFirstApply + "/Update"
)

var (
	nfs = apply.Adapter{Type: "nfs", Port: 12049}
	smb = apply.Adapter{Type: "smb", Port: 1445}
)

func at(a apply.Adapter, port int64) apply.Adapter {
	a.Port = port
	return a
}

// declared returns the workload as the owner of its static ports declares it. ports is a
// YAML list.
func declared(kind workload.Kind, ports string, options ...fixture.Option) *unstructured.Unstructured {
	container := fixture.InContainer(dittofs, `{image: "dittofs:1", ports: `+ports+"}")
	return fixture.Workload(kind.Kind, dittofs, append([]fixture.Option{fixture.Container(dittofs), container}, options...)...)
}

// shares returns what a manager applies that owns only ports in the container.
func shares(ports string) *unstructured.Unstructured {
	object := fixture.PortsOf("StatefulSet", dittofs, dittofs)
	testenv.SetPorts(object, dittofs, ports)
	return object
}

func argo(ports string) testenv.Apply {
	return by(testenv.ArgoCD, declared(workload.StatefulSet, ports))
}

func by(manager string, object any) testenv.Apply {
	return testenv.Apply{Manager: manager, Object: object}
}

// edits patches the workload by an Update, as kubectl edit does.
func edits(manager, jsonPatch string) testenv.Patch {
	return testenv.Patch{Manager: manager, Type: types.JSONPatchType, Data: jsonPatch}
}

func updates(manager, ports string) testenv.Update {
	return testenv.Update{Manager: manager, Mutate: func(w *unstructured.Unstructured) { testenv.SetPorts(w, dittofs, ports) }}
}

func story(steps ...testenv.Step) testenv.Scenario {
	return testenv.Scenario{Name: dittofs, Container: dittofs, Steps: steps}
}

// reconcile is a reconcile of portside with its expected result.
type reconcile struct {
	kind      workload.Kind // StatefulSet when empty
	adapters  []apply.Adapter
	service   []apply.ServicePort
	container string
	host      bool // ports with hostNetwork are allowed
	outcome   apply.Outcome
	ports     []string // as describe writes them
	dryRun    bool
	foreseen  []string // by a dry run, as testenv.Ports writes them
	requests  string   // such as GET 1, APPLY 1; not checked if empty
	between   func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error
}

func wanting(adapters ...apply.Adapter) reconcile { return reconcile{adapters: adapters} }

func (p reconcile) is(outcome apply.Outcome, ports ...string) testenv.Do {
	p.outcome, p.ports = outcome, ports
	return p.do()
}

func (p reconcile) costing(requests string) reconcile {
	p.requests = requests
	return p
}

// after calls a function between the observation and the first write.
func (p reconcile) after(between func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error) reconcile {
	p.between = between
	return p
}

func (p reconcile) do() testenv.Do {
	if p.kind == (workload.Kind{}) {
		p.kind = workload.StatefulSet
	}
	return testenv.Do{What: "a reconcile", Func: p.run}
}

func (p reconcile) run(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
	var requests testenv.Requests
	config := audited(requests.Wrap(cp.Config()))
	if p.between != nil {
		config = interrupted(config, func() error { return p.between(ctx, cp, namespace) })
	}
	applier, err := applierFor(config, apply.WithDryRun(p.dryRun))
	if err != nil {
		return err
	}
	target := workload.Target{Kind: p.kind, Namespace: namespace, Name: dittofs}
	want := apply.Desired{Container: p.container, Adapters: p.adapters, AllowHostNetwork: p.host, ServicePorts: p.service}
	before, err := p.foresee(ctx, cp, target, want)
	if err != nil {
		return err
	}
	result, err := applier.Apply(ctx, target, want)
	if result.Outcome != p.outcome {
		return fmt.Errorf("outcome %s (%v), want %s; ports %q", result.Outcome, err, p.outcome, describe(result.Ports))
	}
	if err := reportsUpToDate(applier, want, result); err != nil {
		return err
	}
	if before != nil {
		if err := errors.Join(before.holdsFor(result, err), staysUpToDate(applier, want, result)); err != nil {
			return err
		}
	}
	if got := describe(result.Ports); !slices.Equal(got, p.ports) {
		return fmt.Errorf("ports\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(p.ports, "\n  "))
	}
	cost := fmt.Sprintf("GET %d, APPLY %d", requests.Count(testenv.VerbGet), requests.Count(testenv.VerbApply))
	if p.dryRun && result.After != nil {
		if live := portsOf(result.After); !slices.Equal(live, p.foreseen) {
			return fmt.Errorf("a dry run returns %q, want %q", live, p.foreseen)
		}
	}
	if p.requests != "" && (cost != p.requests || requests.Total() != requests.Count(testenv.VerbGet)+requests.Count(testenv.VerbApply)) {
		return fmt.Errorf("it took %s, want %s", &requests, p.requests)
	}
	return nil
}

// foresee returns the forecast of the reconcile, nil if something happens during it.
func (p reconcile) foresee(ctx context.Context, cp *testenv.ControlPlane, target workload.Target, want apply.Desired) (*forecast, error) {
	client, err := appsclient.NewForConfig(cp.Config())
	if err != nil || p.dryRun || p.between != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client))
	if err != nil {
		return nil, err
	}
	observed, err := applier.Get(ctx, target)
	if err != nil {
		return nil, nil //nolint:nilerr // the reconcile reports it
	}
	f, err := foresee(applier, observed, want)
	return &f, err
}

// foreseeing makes it a dry run that returns these ports.
func (p reconcile) foreseeing(ports ...string) reconcile {
	p.dryRun, p.foreseen = true, ports
	return p
}

func portsOf(w *workload.Workload) []string {
	var ports []string
	if w.Service != nil {
		for _, p := range w.Service.Ports {
			ports = append(ports, fmt.Sprintf("%s:%d/%s->%s nodePort=%d", p.Name, p.Port, p.Protocol, p.TargetPort.String(), p.NodePort))
		}
		return ports
	}
	for _, p := range w.Containers[0].Ports {
		ports = append(ports, fmt.Sprintf("%s:%d/%s", p.Name, p.ContainerPort, p.Protocol))
	}
	return ports
}

// describe returns a port as name number/PROTOCOL state owners: message, where a Service's
// has ->targetPort after the protocol.
func describe(ports []apply.PortStatus) []string {
	var lines []string
	for _, p := range ports {
		target := ""
		if p.TargetPort != (intstr.IntOrString{}) {
			target = "->" + p.TargetPort.String()
		}
		line := fmt.Sprintf("%s %d/%s%s %s", p.Name, p.Port, p.Protocol, target, p.State)
		for _, m := range p.Owners {
			line += " " + testenv.Owner(m.Name, m.Operation)
		}
		if p.Message != "" {
			line += ": " + p.Message
		}
		lines = append(lines, line)
	}
	return lines
}

// applierFor returns an applier with client-go's client.
func applierFor(config *rest.Config, options ...apply.Option) (*apply.Applier, error) {
	client, err := appsclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return apply.New(workload.ClientGo(client), options...)
}

func newApplier(t testing.TB, cp *testenv.ControlPlane) *apply.Applier {
	t.Helper()
	applier, err := applierFor(audited(cp.Config()))
	if err != nil {
		t.Fatal(err)
	}
	return applier
}
