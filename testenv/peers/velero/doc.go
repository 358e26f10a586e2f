// Package velero shows what a restore by Velero does to ports of portside, with the
// requests that the code of Velero 1.18.3 sends. Velero itself does not run; comments
// name the functions that are imitated.
//
//   - A restore puts managedFields back, so that portside owns its ports as before.
//   - Velero before 1.11 did not: velero-server then owns all fields, portside's ports
//     are Shared, and adoption makes them portside's again.
//   - A restore over an existing object brings the ports of the backup back, whatever
//     adapters are active now.
//   - Node ports that the API server allocated are allocated again, unless the restore
//     has --preserve-nodeports.
package velero
