// Package mirror keeps in memory what the service needs of the cluster, and of
// each object only that, so that thousands of workloads take little room:
//
//   - of an AdapterSet its spec, its status, and the metadata that deletion and
//     order of creation need;
//   - of a workload what [workload.Workload.Trimmed] leaves;
//   - of a pod that a workload may control its address, whether it is ready,
//     its controller, its labels, and the numbers of its named ports. Pods are
//     watched once something asks for them ([Mirror.WatchPods]), which only
//     discovery does.
//
// Of those, AdapterSets and workloads that nobody touches for some seconds are
// packed, and read back when they are asked for: most targets are at rest most
// of the time.
//
// client-go's reflectors list and watch; what is here is their stores. A change
// is told by target, and only when it is one of something that is kept: a
// workload whose labels, annotations or image change wakes nobody. What the
// server answers to a write of ours is taken as well ([Mirror.Answered]), so that
// a look is never from before it.
package mirror
