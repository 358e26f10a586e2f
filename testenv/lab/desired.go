package main

import (
	"encoding/json"
	"slices"

	"github.com/portside-dev/portside/testenv/oracle"
)

// setSpec is the part of an AdapterSet's spec that histories set.
type setSpec struct {
	Adapters       []adapter
	Companions     []companion
	ContainerPorts string
	Services       []struct{ Name string }
	Rollout        struct{ RemovalDelaySeconds *int64 }
	DeletionPolicy string
	Suspend        bool
}

type adapter struct {
	Type     string
	Port     int64
	Protocol string
}

type companion struct {
	Name, Adapter, Protocol string
	Port                    int64
}

// specOf returns the spec of the AdapterSet as it was applied last.
func (s *site) specOf() (spec setSpec, err error) {
	err = json.Unmarshal(mustJSON(s.spec), &spec)
	return spec, err
}

// active returns the ports of the active adapters, then those of their companions.
func (spec *setSpec) active() []oracle.Port {
	var ports []oracle.Port
	for _, a := range spec.Adapters {
		ports = append(ports, oracle.Port{Name: oracle.PortName(a.Type), Key: oracle.Key{Number: a.Port, Protocol: a.Protocol}})
	}
	for _, c := range spec.Companions {
		i := slices.IndexFunc(spec.Adapters, func(a adapter) bool { return a.Type == c.Adapter })
		if i < 0 {
			continue
		}
		number := c.Port
		if number == 0 {
			number = spec.Adapters[i].Port
		}
		ports = append(ports, oracle.Port{Name: oracle.PortName(c.Name), Key: oracle.Key{Number: number, Protocol: c.Protocol}})
	}
	return ports
}

// exposed returns the ports of the active adapters in a Service: without a list of ports,
// those of all adapters, which lead to the names of the container's ports.
func (spec *setSpec) exposed() []oracle.Port {
	ports := spec.active()[:len(spec.Adapters)]
	for i := range ports {
		ports[i].Fields = map[string]string{oracle.TargetPort: ports[i].Name}
	}
	return ports
}

// isLong reports whether the removal delay is longer than a history.
func (spec *setSpec) isLong() bool {
	return spec.Rollout.RemovalDelaySeconds == nil || *spec.Rollout.RemovalDelaySeconds > 60
}

// retained returns the ports of inactive adapters that stay because their removal delay is
// not over: all that are ours, if the delay is long, and else none. Ports of active adapters
// are left out: withheld ones, and those that another manager gave another adapter's name.
func (spec *setSpec) retained(live oracle.List, active []oracle.Port) []oracle.Port {
	var ports []oracle.Port
	for _, i := range live.Items {
		known := slices.ContainsFunc(active, func(p oracle.Port) bool { return p.Name == i.Name || p.Key == i.Key })
		if !spec.isLong() || known || !isOurs(i) || !isAdapterName(i.Name) {
			continue
		}
		p := oracle.Port{Name: i.Name, Key: i.Key, Fields: map[string]string{}}
		for _, field := range []string{oracle.TargetPort, oracle.AppProtocol} {
			if value, has := i.Fields[field]; has && slices.Contains(i.Leaves[field], us) {
				p.Fields[field] = value
			}
		}
		ports = append(ports, p)
	}
	return ports
}
