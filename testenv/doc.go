// Package testenv runs a real Kubernetes control plane on this machine, for
// tests, benchmarks and the demo. The binary never imports it.
//
// What portside promises is decided by the API server: what is a change, who
// owns a field, who is refused. A fake client answers none of that as the
// server does, so everything here talks to a real one:
//
//   - [Start] runs etcd and kube-apiserver, and with Options.Controllers also
//     the workload controllers and a player that makes pods become ready and
//     counts their starts, so that a test sees what a change of a template costs;
//   - [ControlPlane.HoldUnready] and [ControlPlane.ServePods] decide which pods
//     are ready and what answers at their addresses;
//   - [ControlPlane.AddNode] adds a node for a test's own DaemonSets;
//   - [ControlPlane.StopAPIServer] and [ControlPlane.StartAPIServer] take the
//     server away for a while;
//   - [Main], [Shared] and [WithControllers] let the tests of a package share
//     one control plane, with a namespace for each test ([ControlPlane.Namespace]);
//   - [Manager] acts as a named field manager: Argo CD's, kubectl's, an operator's;
//   - [Requests] counts what a client sends;
//   - [Proxy] stands between clients, also child processes, and the server: it
//     counts, holds back and cuts;
//   - [History] keeps every generation of a workload;
//   - [Scenario] describes a story of several managers as data.
//
// Nothing here waits for a time to pass: [Eventually] waits for a condition,
// and its deadline only says when to give up.
package testenv
