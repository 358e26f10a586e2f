// Package helmrelease shows with Helm's own actions and Flux's own detection of
// drift, as Flux's helm-controller uses them, that a HelmRelease and portside
// leave each other alone:
//
//   - Where it applies on the server's side, its default, it always forces
//     conflicts, and ignores force.
//   - Drift is what a dry run of a server-side apply of the release's manifest
//     would change. What portside owns it would not.
//
// The package has tests only. It is one of its own because Helm keeps the name
// of its field manager in a variable.
package helmrelease
