// Package helm shows with Helm's own actions, on the chart of examples/helm, that
// it and portside leave each other alone, and where they do not:
//
//   - Helm 4 by server-side apply, its default, with and without
//     --force-conflicts: it works.
//   - Helm 4 by --server-side=false, and Helm 3: they send what changed between
//     two releases and merge ports by number alone. It works as long as values
//     do not have the number of an adapter port with another protocol, and
//     --force-replace (--force) is left away.
//   - Flux's HelmRelease: see the package helmrelease below this one.
//
// It is a module of its own, because of what Helm requires. What is not a test is
// Helm 4 as the tests of both packages use it.
package helm
