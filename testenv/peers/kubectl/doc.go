// Package kubectl shows with the real kubectl that it and portside leave each other's
// fields alone, and where they do not:
//
//   - kubectl apply, client side, sends what changed since its last sync and merges
//     ports by number alone. It works unless Git has the number of an adapter port
//     with another protocol.
//   - kubectl apply --server-side works, with and without --force-conflicts.
//   - kubectl replace removes our ports, and a reconciliation adds them again.
//   - kubectl set image, scale, edit, patch and rollout keep our ports, except for
//     rollout undo, which restores those of the older revision.
//
// The package has tests only. It shares package compat with the other tools.
package kubectl
