// Package cache configures what controller-runtime's cache keeps of the cluster, and
// reads it. Of each object a Transform keeps what decisions depend on:
//
//   - of an AdapterSet its spec, its status, and the metadata that deletion and
//     order of creation need;
//   - of a workload what [workload.ReadTrimmed] leaves;
//   - of a pod that a workload may control its address, whether it is ready, its
//     controller, its labels, and the numbers of its named ports. Pods are cached
//     once discovery asks for them.
package cache
