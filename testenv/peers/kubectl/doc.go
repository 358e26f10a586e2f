// Package kubectl shows with the real kubectl that it and portside leave each
// other alone, and where they do not:
//
//   - kubectl apply, client side: it sends what changed since its last sync and
//     merges ports by number alone. It works as long as Git does not
//     have the number of an adapter port with another protocol.
//   - kubectl apply --server-side, with and without --force-conflicts: it works.
//   - kubectl replace: it removes our ports, and a pass puts them back.
//   - kubectl set image, scale, edit, patch and rollout: they leave our ports
//     alone, but rollout undo, which brings back those of the older revision.
//
// The package has tests only. The package compat beside it has what they share
// with those of the other tools.
package kubectl
