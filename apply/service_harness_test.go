package apply_test

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// serviceOf returns a Service as the owner of its static ports declares it; spec is a
// YAML object without the ports, and ports a YAML list.
func serviceOf(spec, ports string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: dittofs}
spec: {selector: {app: dittofs}, ports: %s%s}
`, ports, spec)
}

const (
	nodePorts   = ", type: NodePort"
	balanced    = ", type: LoadBalancer"
	headless    = ", clusterIP: None"
	staticPorts = "[{name: api, port: 8080}]"
)

// argoService is an apply of the owner of a ClusterIP Service.
func argoService(ports string) testenv.Apply { return by(testenv.ArgoCD, serviceOf("", ports)) }

// sharesService returns what a manager applies that owns ports of the Service and nothing
// else.
func sharesService(ports string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {ports: %s}}`, ports)
}

// serviceStory is a scenario of one Service.
func serviceStory(steps ...testenv.Step) testenv.Scenario {
	return testenv.Scenario{Kind: "Service", Name: dittofs, Steps: steps}
}

var (
	nfsPort = exposed("nfs", 2049, 12049)
	smbPort = exposed("smb", 445, 1445)
)

// exposed returns a port of an adapter that leads to another number.
func exposed(adapter string, number int64, target int32) apply.ServicePort {
	return apply.ServicePort{Adapter: apply.Adapter{Type: adapter, Port: number}, TargetPort: intstr.FromInt32(target)}
}

// on returns the port with another exposed number.
func on(p apply.ServicePort, number int64) apply.ServicePort {
	p.Port = number
	return p
}

// exposing is a reconcile of portside at the Service.
func exposing(ports ...apply.ServicePort) reconcile {
	return reconcile{kind: workload.Service, service: ports}
}

// orphanServicePorts adds ports to the Service that no manager owns.
func orphanServicePorts(ports string) testenv.Step {
	return testenv.Steps{by("gone", sharesService(ports)), testenv.Disown{Manager: "gone"}}
}

// keepingNodePorts is a step after which the ports of these names have the node ports that
// they had before it.
func keepingNodePorts(names string, step testenv.Do) testenv.Do {
	return testenv.Do{What: step.What, Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		read := func() (map[string]int64, error) {
			live, err := cp.Manager("testenv").Get(ctx, "Service", namespace, dittofs)
			if err != nil {
				return nil, err
			}
			return testenv.NodePorts(live), nil
		}
		before, err := read()
		if err != nil {
			return err
		}
		if err := step.Func(ctx, cp, namespace); err != nil {
			return err
		}
		after, err := read()
		if err != nil {
			return err
		}
		for name := range strings.FieldsSeq(names) {
			if before[name] == 0 || before[name] != after[name] {
				return fmt.Errorf("the node port of %s was %d, and is %d", name, before[name], after[name])
			}
		}
		return nil
	}}
}

// serviceKind is the kind of Services.
var serviceKind = workload.Service

// doing returns what runs an apply in between.
func doing(a testenv.Apply) func(context.Context, *testenv.ControlPlane, string) error {
	return func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		_, err := cp.Manager(a.Manager).In(namespace).ForceApply(ctx, a.Object)
		return err
	}
}

// refused returns a reconcile of which the server refuses a port, so that it is not up to
// date afterwards.
func (p reconcile) refused() reconcile {
	return p.after(func(context.Context, *testenv.ControlPlane, string) error { return nil })
}
