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
// # What differs from a real server
//
// The tests of package histories play the same histories on both servers and compare each
// answer, with reason, message and causes, and each stored object, with managedFields. No
// drawn history differs. What is not compared:
//
//   - uids, resourceVersions, times, addresses and node ports, since each server allocates its
//     own. Whether a write changed the resourceVersion, and which ports share or keep a node
//     port, is compared;
//   - the order of the entries in managedFields, since it depends on the times of the writes;
//   - the order of several conflicts in one refusal, which is random on every server.
//
// Histories of these classes would differ, so that none is drawn:
//
//   - a manager asks for a node port that another Service has: a real server refuses it, and
//     this one does not look at other Services;
//   - a Service changes its type: a real server drops the fields of the former type;
//   - a Service of several IP families, or with externalIPs or a health check node port: they
//     are neither allocated nor validated here;
//   - hostNetwork, init containers, probes, volumes, and images with a digest: their defaults
//     and validation are missing here;
//   - objects with finalizers, and whatever controllers, admission, quotas or authorization
//     write or refuse: there are none here.
package memserver
