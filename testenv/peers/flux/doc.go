// Package flux shows with Flux's own apply, as its kustomize-controller uses it, that
// it and portside leave each other's fields alone:
//
//   - A Kustomization is applied by server-side apply with force. Its comparison is a
//     dry run of that apply, so our ports are no drift.
//   - Before it applies, Flux takes over the entries of managers whose name begins
//     with kubectl. Ours does not.
//     It does the same with the managers of its flag --override-manager.
//   - With spec.ignore of the list of ports it applies no change of a port, and a commit
//     that changes a port and another field removes all static ports.
//   - With force: true, Flux takes a refusal by the API server for an immutable field,
//     and deletes and recreates the workload.
//
// It is a module of its own, because of Flux's requirements. It has tests only.
package flux
