// Package kro shows that portside and another contributor get along in one list of
// ports: a patch node of a Graph of kro, which adds ports to a workload or a Service that
// a third manager declares. The tests send the requests that kro's code sends; comments
// name its functions. kro itself does not run: its newest Go module, v0.9.4, has no Graphs.
//
//   - Both apply without force, under managers of their own, so neither removes or
//     changes ports of the other, in whatever order they begin.
//   - Where a node wants the number of an adapter port, the API server refuses its whole
//     contribution with a conflict, which kro reports as FieldManagerConflict and tries
//     again.
package kro
