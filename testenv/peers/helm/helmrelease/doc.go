// Package helmrelease shows with Helm's own actions and Flux's own drift detection, as
// Flux's helm-controller uses them, that a HelmRelease and portside leave each other's
// fields alone:
//
//   - By server-side apply, its default, it always forces conflicts and ignores force.
//   - Drift is what a dry run of a server-side apply of the release's manifest would
//     change, which excludes our ports, unless --override-manager names portside.
//
// The package has tests only. It is separate because Helm has the name of its field
// manager in a variable.
package helmrelease
