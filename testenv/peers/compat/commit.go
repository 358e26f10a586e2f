package compat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The workload that the tools deploy. Histories have other kinds too.
const (
	Kind = "StatefulSet"
	Name = "dittofs"
)

// counts are fields of the spec that not all kinds have.
var counts = map[string]string{
	Kind:         "serviceName: " + Name + "\n  replicas: 1",
	"Deployment": "replicas: 1",
}

// Port is a container port that Git declares. An empty protocol is TCP.
type Port struct {
	Name     string
	Number   int
	Protocol string
}

// String returns the port as testenv.PortString does.
func (p Port) String() string { return p.Name + ":" + p.key() }

func (p Port) key() string { return fmt.Sprintf("%d/%s", p.Number, p.protocol()) }

func (p Port) protocol() string { return cmp.Or(p.Protocol, "TCP") }

// Commit is the workload in Git.
type Commit struct {
	Kind      string // StatefulSet by default
	Image     string
	Container string // its name, dittofs by default
	Ports     []Port
	// OmitPorts leaves the field ports out of the manifest. Otherwise no ports are
	// an empty list.
	OmitPorts bool
}

func (c Commit) kind() string { return cmp.Or(c.Kind, Kind) }

// container returns the name of the commit's container.
func (c Commit) container() string { return cmp.Or(c.Container, Name) }

// With returns the commit with other ports.
func (c Commit) With(ports ...Port) Commit {
	c.Ports = ports
	return c
}

// And returns the commit with further ports.
func (c Commit) And(ports ...Port) Commit {
	return c.With(append(slices.Clone(c.Ports), ports...)...)
}

// PortsYAML returns the list of ports as YAML.
func (c Commit) PortsYAML() string {
	ports := make([]string, 0, len(c.Ports))
	for _, p := range c.Ports {
		ports = append(ports, fmt.Sprintf("{name: %s, containerPort: %d, protocol: %s}", p.Name, p.Number, p.protocol()))
	}
	return "[" + strings.Join(ports, ", ") + "]"
}

// Manifest returns the workload, or the Service, as YAML, without a namespace.
func (c Commit) Manifest() string {
	if c.Kind == ServiceKind {
		return c.serviceManifest()
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: %[1]s
metadata:
  name: %[2]s
  labels: {app: dittofs}
spec:
  %[6]s
  selector: {matchLabels: {app: dittofs}}
  template:
    metadata: {labels: {app: dittofs}}
    spec:
      containers:
      - name: %[3]s
        image: %[4]s
        %[5]s
`, c.kind(), Name, c.container(), c.Image, c.portsField(), counts[c.kind()])
}

func (c Commit) portsField() string {
	if c.OmitPorts {
		return ""
	}
	return "ports: " + c.PortsYAML()
}

// lines returns the ports as testenv.Ports does.
func (c Commit) lines() []string {
	lines := make([]string, 0, len(c.Ports))
	for _, p := range c.Ports {
		lines = append(lines, p.String())
	}
	return lines
}

// First returns the commit that most tests begin with.
func First() Commit {
	return Commit{Image: "dittofs:v1", Ports: []Port{{Name: "api", Number: 8080}, {Name: "metrics", Number: 9090}}}
}
