// Package monitoring tests examples/monitoring: every query of its dashboard and
// of its alerts has to return data from a running portside, as Prometheus's own
// engine answers it.
//
// The binary runs as `portside run` beside a real control plane and lives
// through what its metrics count: discovery that is answered and then is not,
// ports that come, are taken away and come back, a port that somebody blocks, a
// target that is not there. What /metrics says in between goes into a
// Prometheus storage with the labels that a scrape adds.
//
// An alert returns data only while something is wrong, so what is asked is what
// it compares: the left of `>` and `<`, each side of `and`. What absent() is
// asked about has to be there, and absent() itself to answer for a storage that
// has nothing. The alerts that fire are expanded by Prometheus's own templates,
// and have to name the AdapterSet that they are about.
package monitoring
