// Package argocd shows with Argo CD's own code that it and portside leave each other's
// fields alone. It runs the state manager of Argo CD's application controller, which
// compares and syncs through gitops-engine, with Argo CD's own cache of a real API
// server. Only the repo server is left out: the tests pass the manifests, as
// `argocd app sync --local` does.
//
//   - Client-side apply is kubectl's, which merges by number. The comparison is a
//     three-way diff in Argo CD, or the server's.
//   - Server-side apply is forced. The comparison is a structured merge in Argo CD, or
//     the server's.
//   - Replace=true puts the whole object and so removes what Git does not list,
//     including our ports. No ignoreDifferences keeps them.
//   - None of them needs ignoreDifferences. With managedFieldsManagers it hides what
//     Git declares of a port that is ours too.
//   - Where managedFields were emptied, the first server-side apply of an object with the
//     annotation of client-side apply removes our ports, unless portside has reconciled.
//
// It is a module of its own, because Argo CD requires the Kubernetes libraries of 1.36,
// to which its go.mod pins everything. It has tests only.
package argocd
