// Package monitoring tests examples/monitoring: every query of its dashboard and of its
// alerts must return data from a running portside, by Prometheus's own engine.
//
// The binary runs as `portside run` with a real control plane and sees what its metrics
// count: discovery that answers and then fails, ports that are added, removed and added
// again, a port that another one blocks, a missing target. The scrapes of /metrics go
// into a Prometheus storage with the labels that Prometheus adds.
//
// An alert returns data only while something is wrong, so its parts are queried: the
// left side of `>` and `<`, each side of `and`. The argument of absent() must exist, and
// absent() itself must return data for an empty storage. Prometheus's own templates
// expand the alerts that fire, which must name their AdapterSet.
package monitoring
