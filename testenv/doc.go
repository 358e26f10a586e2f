// Package testenv runs a real Kubernetes control plane on this machine for tests,
// benchmarks and the demo. The binary never imports it.
//
// The API server decides what is a change, which manager owns a field and which
// request is refused. A fake client answers none of that as the server does, so
// everything here uses a real one:
//
//   - [Start] runs etcd and kube-apiserver. With Options.Controllers it also runs the
//     workload controllers and a fake kubelet, which makes pods ready and counts
//     their starts, so that a test sees what a change of a pod template costs;
//   - [ControlPlane.HoldUnready] keeps pods unready, and [ControlPlane.ServePods]
//     serves HTTP at their addresses;
//   - [ControlPlane.AddNode] adds a node for the DaemonSets of a test;
//   - [ControlPlane.StopAPIServer] and [ControlPlane.StartAPIServer] stop the API
//     server for a while;
//   - with Options.Kubeconfig an existing cluster takes its place;
//   - [Main], [Shared] and [WithControllers] let the tests of a package share one
//     control plane, with a namespace for each test ([ControlPlane.Namespace]);
//   - [Manager] writes as a named field manager, such as Argo CD, kubectl or an
//     operator;
//   - [Requests] counts the requests of a client;
//   - [Proxy] counts, holds back, answers and cuts off the requests of clients, also of
//     other processes;
//   - [History] records every generation of a workload;
//   - [Scenario] describes the steps of several managers as data.
//
// The packages below build on it: fixture builds objects, dittofs is a fake DittoFS
// server, portside runs and installs portside, facts tests what the API server does with
// lists that several managers write, and oracle states what the contract requires of a
// reconcile, independently of portside's code; pages runs what the Markdown pages show. Memserver is an API server in memory, on
// which histories plays random ones by the thousand; lab plays random histories of the
// installed service.
//
// Nothing here waits for a time to pass: [Eventually] waits for a condition, and its
// deadline only decides when to give up.
package testenv
