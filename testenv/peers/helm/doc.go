// Package helm shows with Helm's own actions, on the chart of examples/helm, that it
// and portside leave each other's fields alone, and where they do not:
//
//   - Helm 4 by server-side apply, its default, works with and without
//     --force-conflicts.
//   - Helm 4 by --server-side=false, and Helm 3, send what changed between two releases
//     and merge ports by number alone. That works unless values have the number of an
//     adapter port with another protocol, and without --force-replace (--force).
//   - Flux's HelmRelease: see package helmrelease below this one.
//
// It is a module of its own, because of Helm's requirements. What is not a test is
// Helm 4 as the tests of both packages use it.
package helm
