// Package memserver is an API server for StatefulSets and Services in memory, for tests that
// play many thousand histories.
//
// What decides ownership is not imitated: apimachinery's managedfields, which kube-apiserver
// runs, with the schema of the built-in types that client-go carries. What surrounds it is
// written after kube-apiserver 1.37, as far as lists of ports need it:
//
//   - defaults, and the numbers that a Service is allocated;
//   - the server's own refusals: names, numbers and protocols of ports, two ports with one
//     name, a Service without a port or with a port that lacks a name, two ports of a Service
//     with one key, a uid or a resourceVersion that is no longer the object's;
//   - generation, resourceVersion, and a write that changes nothing being no write;
//   - server-side apply, create, update, the three kinds of patches, delete, dry run.
//
// There is no admission, no authorization, no controller and no watch, and the type of a
// Service cannot be changed. Tests compare the server with a real one: see package apply,
// whose histories are played on both.
package memserver
