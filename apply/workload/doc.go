// Package workload defines the kinds of workloads whose ports can be managed: how an
// object of each is named, read and applied to, and how its rollout is judged.
//
// A [Definition] is all of that for one kind. The built-in ones are a file each;
// [Definitions] lists them and [Define] finds one. Whatever lists kinds takes them from
// there, by `make generate` where it is not Go. A kind of another API group is given to the
// applier that needs it (apply.WithKind).
//
// A [Target] names a workload. [Read], or a Definition's Workload, reads what decisions
// depend on: containers and their ports, managedFields, annotations, the rollout. To keep
// that for thousands of workloads, [Workload.Trimmed] drops what no decision depends on.
//
// A [Client] is what is needed of the API server, from client-go's clientset ([ClientGo])
// or controller-runtime's client ([ControllerRuntime]). A [Configuration] becomes the typed
// apply configuration of client-go that is sent.
package workload
