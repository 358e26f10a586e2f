package apply_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// services are histories of Services of several types.
type services struct{}

func (services) kind() workload.Kind                { return workload.Service }
func (services) variants() []string                 { return []string{"", nodePorts, headless} }
func (services) shares(ports string) any            { return sharesService(ports) }
func (services) declares(variant, ports string) any { return serviceOf(variant, ports) }

func (services) port(r *rapid.T, name string, number int64) string {
	if name != "" {
		name = "name: " + name + ", "
	}
	target := ""
	if rapid.Bool().Draw(r, "target") {
		target = fmt.Sprintf(", targetPort: %d", number+rapid.SampledFrom([]int64{1000, 2000}).Draw(r, "target"))
	}
	return fmt.Sprintf("{%sport: %d, protocol: TCP%s}", name, number, target)
}

// edit changes the name of a port, or its target port.
func (services) edit(r *rapid.T, s *unstructured.Unstructured) {
	ports, _, _ := unstructured.NestedSlice(s.Object, "spec", "ports")
	if rapid.Bool().Draw(r, "edits the name") {
		editName(r, ports)
	} else if len(ports) > 0 {
		port := ports[rapid.IntRange(0, 5).Draw(r, "which")%len(ports)].(map[string]any)
		port["targetPort"] = rapid.SampledFrom([]int64{8001, 9001}).Draw(r, "target")
	}
	if len(ports) > 0 {
		_ = unstructured.SetNestedSlice(s.Object, ports, "spec", "ports")
	}
}

func (services) desires(r *rapid.T, adapters []apply.Adapter) apply.Desired {
	var desired apply.Desired
	for _, a := range adapters {
		target := rapid.SampledFrom([]intstr.IntOrString{{}, intstr.FromInt32(8001), intstr.FromString("adapter-" + a.Type)}).Draw(r, "target")
		desired.ServicePorts = append(desired.ServicePorts, apply.ServicePort{Adapter: a, TargetPort: target})
	}
	return desired
}

// keepsNodePorts: a port of ours that was there and stays has its node port still, or that
// of the number to which it moved, where adapters exchanged their numbers.
func (h *history) keepsNodePorts(_ apply.Result, before, after *unstructured.Unstructured) error {
	was, is := testenv.NodePorts(before), testenv.NodePorts(after)
	for name, number := range was {
		now, stays := is[name]
		if !stays || now == number || !strings.HasPrefix(name, port.NamePrefix) {
			continue
		}
		if !slices.Contains(slices.Collect(maps.Values(was)), now) || !slices.Contains(slices.Collect(maps.Values(is)), number) {
			return fmt.Errorf("the node port of %s was %d, and is %d", name, number, now)
		}
	}
	return nil
}

// targets returns the target ports of a Service by number/PROTOCOL.
func targets(service *unstructured.Unstructured) map[string]string {
	all := map[string]string{}
	for _, p := range testenv.Ports(service, "") {
		_, target, _ := strings.Cut(p, "->")
		all[keyOf(p)] = target
	}
	return all
}

// targetsAsDesired: an Owned or Shared port leads where it is to lead, unless it is said
// that another manager has it lead elsewhere.
func (h *history) targetsAsDesired(result apply.Result, after *unstructured.Unstructured) error {
	live := targets(after)
	for _, d := range h.desired.ServicePorts {
		want := d.TargetPort.String()
		if d.TargetPort == (intstr.IntOrString{}) {
			want = fmt.Sprint(d.Port)
		}
		for _, p := range result.Ports {
			if p.Type != d.Type || !p.State.Applied() {
				continue
			}
			key := fmt.Sprintf("%d/%s", p.Port, p.Protocol)
			if (live[key] != want) != (p.Reason == port.ReasonFieldTaken) || p.TargetPort.String() != live[key] {
				return fmt.Errorf("%s leads to %s, want %s: %s, %s", key, live[key], want, p.Reason, p.TargetPort.String())
			}
		}
	}
	return nil
}
