package printer

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/cmd/portside/internal/backends"
)

// backend is where a port of a Service leads in some of its pods; see [backends.Backend].
type backend struct {
	Port          string          `json:"port"`
	Number        int32           `json:"number"`
	Protocol      corev1.Protocol `json:"protocol"`
	Container     string          `json:"container"`
	ContainerPort string          `json:"containerPort"`
	TargetNumber  int32           `json:"targetNumber"`
	ReadyPods     []string        `json:"readyPods"`

	target string // the target port as the Service has it
}

// SetBackends adds to the document of a Service where its ports lead.
func (o *Owners) SetBackends(all []backends.Backend) {
	for _, b := range all {
		pods := b.Pods
		if pods == nil {
			pods = []string{}
		}
		o.Backends = append(o.Backends, backend{
			Port: b.Port.Name, Number: b.Port.Port, Protocol: b.Port.Protocol,
			Container: b.Container, ContainerPort: b.Name, TargetNumber: b.Number, ReadyPods: pods,
			target: b.Port.TargetPort.String(),
		})
	}
}

// More returns the tables that follow the first: where the ports of a Service lead.
func (o *Owners) More() []Table {
	if len(o.Backends) == 0 {
		return nil
	}
	t := Table{Columns: []string{"PORT", "CONTAINER PORT", "READY PODS"}}
	for i := range o.Backends {
		b := &o.Backends[i]
		pods := "none"
		if len(b.ReadyPods) > 0 {
			pods = fmt.Sprintf("%d: %s", len(b.ReadyPods), strings.Join(b.ReadyPods, ", "))
		}
		t.Rows = append(t.Rows, []string{orNone(b.Port), b.leadsTo(), pods})
	}
	return []Table{t}
}

// leadsTo returns the container port: "server: adapter-nfs 12049/TCP", or without a
// declaration "12049/TCP, not declared".
func (b *backend) leadsTo() string {
	switch {
	case b.TargetNumber == 0 && len(b.ReadyPods) == 0:
		return "targetPort " + b.target
	case b.TargetNumber == 0:
		return "none for targetPort " + b.target
	case b.Container == "":
		return number(b.TargetNumber, b.Protocol)
	case b.ContainerPort == "":
		return b.Container + ": " + number(b.TargetNumber, b.Protocol)
	}
	return b.Container + ": " + b.ContainerPort + " " + number(b.TargetNumber, b.Protocol)
}
