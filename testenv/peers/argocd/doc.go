// Package argocd shows with Argo CD's own code that it and portside leave each
// other alone. What runs is the state manager of its application controller,
// which compares and syncs through gitops-engine, over Argo CD's own cache of a
// real API server. Only the repo server is left out, which would bring the
// manifests: they are handed over as `argocd app sync --local` does.
//
//   - Client-side apply is kubectl's, with its merge by number. The comparison is
//     a three-way one here, or the server's.
//   - Server-side apply is forced. The comparison is a structured merge here, or
//     the server's.
//   - Replace=true puts the whole object, and so takes away what Git does not
//     list, our ports among it. No ignoreDifferences keeps them.
//   - ignoreDifferences is needed for none of them. With managedFieldsManagers it
//     hides what Git says of a port that is ours too.
//
// It is a module of its own, because of what Argo CD requires: the Kubernetes
// libraries of 1.36, to which its go.mod holds everything. It has tests only.
package argocd
