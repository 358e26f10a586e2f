package histories

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// Services are histories of Services: with an address, with node ports, and headless.
var Services Kind = services{}

type services struct{}

// nodePorts is the variant of a Service with node ports.
const nodePorts = ", type: NodePort"

func (services) Name() string        { return "Service" }
func (services) Container() string   { return "" }
func (services) Variants() []string  { return []string{"", nodePorts, ", clusterIP: None"} }
func (services) NeedsPort() bool     { return true }
func (services) numberField() string { return "port" }
func (services) empty() any          { return &corev1.Service{} }

func (services) Declares(variant, ports string) *unstructured.Unstructured {
	return object(`{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {selector: {app: dittofs}, ports: %s%s}}`, Name, ports, variant)
}

func (services) Shares(ports string) *unstructured.Unstructured {
	return object(`{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {ports: %s}}`, Name, ports)
}

func object(yaml string, values ...any) *unstructured.Unstructured {
	o, err := testenv.Object(fmt.Sprintf(yaml, values...))
	if err != nil {
		panic(fmt.Sprintf("histories: %v", err))
	}
	return o
}

func (services) Port(r *rand.Rand, name string, number int64) string {
	target := ""
	if r.IntN(2) == 0 {
		target = fmt.Sprintf(", targetPort: %d", number+Pick[int64](r, 1000, 2000))
	}
	return fmt.Sprintf("{%sport: %d, protocol: %s%s}", named(name), number, protocol(r), target)
}

func (k services) Step(r *rand.Rand) Step {
	return steps(r, k, func(r *rand.Rand) Step {
		return Edit{Port: r.IntN(6), Field: "targetPort", Value: Pick[int64](r, 8001, 9001)}
	})
}

func (services) fixed(name string, number int64) string {
	return fmt.Sprintf("{%sport: %d, protocol: TCP, targetPort: %d}", named(name), number, number)
}

func (services) ports(object *unstructured.Unstructured) []any {
	list, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "ports")
	ports, _ := list.([]any)
	return ports
}

func (services) setPorts(object *unstructured.Unstructured, ports []any) {
	if len(ports) == 0 {
		unstructured.RemoveNestedField(object.Object, "spec", "ports")
	} else if err := unstructured.SetNestedSlice(object.Object, ports, "spec", "ports"); err != nil {
		panic(fmt.Sprintf("histories: %v", err))
	}
}
