// Package apply keeps the adapter-* ports of a workload, and of Services in front of it, in
// sync with the protocol adapters that it serves, through one dedicated server-side apply
// field manager, and owns nothing else of them.
//
//	applier, err := apply.New(workload.ClientGo(clientset.AppsV1()), apply.WithFieldManager("my-operator-ports"))
//	result, err := applier.Apply(ctx, target, apply.Desired{Adapters: active})
//
// [Applier.Apply] reads the workload, decides, applies what has to change, and reports
// the state of every port. [Applier.Release] gives up what it owns. [Applier.Adopt] takes
// ports over from a manager that no longer writes, and [Owners] shows which manager owns
// what.
//
// The ports of a Service are applied in the same way, with [Desired.ServicePorts]:
//
//	target := workload.Target{Kind: workload.Service, Namespace: "storage", Name: "dittofs"}
//	result, err := applier.Apply(ctx, target, apply.Desired{ServicePorts: exposed})
//
// A controller that watches workloads decides on what it has observed, and sends nothing
// for a workload that is up to date:
//
//	observed, err := applier.Observe(w)
//	plan, err := observed.Decide(desired)
//	upToDate, err := plan.UpToDate()      // managedFields record this very apply
//	result, err := applier.ApplyFrom(ctx, plan)
//
// The parts are packages of their own, whose imports go one way: apply, then
// [github.com/portside-dev/portside/apply/workload] (the kinds of workloads and how each
// is read and applied), then [github.com/portside-dev/portside/apply/advice] (what other
// managers' ways of writing will do to a port), then
// [github.com/portside-dev/portside/apply/port] (the contract: what is applied for each
// desired port, and what becomes of it), then
// [github.com/portside-dev/portside/fieldmanager]. The API server decides what is a
// change and what is a conflict; nothing here compares whole objects, and nothing forces.
//
// # What holds for every reconciliation
//
//   - A list of more than [MaxAdapters] adapters is refused whole; retained ones do not
//     count. An invalid adapter costs its own port alone.
//   - In a pod template with hostNetwork every port is Blocked unless both
//     [Desired.AllowHostNetwork] and [workload.AllowHostNetworkAnnotation] allow it.
//   - With nothing to apply, metadata alone is sent and our entry is removed; with
//     nothing to apply and no entry, nothing is sent: an apply of nothing still makes the
//     server fill managedFields that were emptied. Where the server would prune what no
//     manager owns along with our last port of a container, or leave its empty list of
//     ports to the manager that created it, with which our next port would conflict, a
//     patch removes our ports and our claim instead, and requires the workload as it was
//     read.
//   - An apply carries the uid, so that it is refused for a workload that was deleted or
//     recreated, and never creates one. From a plan it carries the resourceVersion as
//     well. A refusal that names a port costs that port; one that names none means that
//     the observation was out of date: the workload is read again, once. The answer to an
//     apply is the next observation: where another manager was faster, what the table
//     says then is applied at once, a few times at most.
//   - A Service is never created: the uid is always sent. A change that would move an
//     adapter's port to the number of another takes a request more, where node ports are to
//     stay. The last port of a Service that cannot be without one is Retained; a release
//     leaves it without an owner. A dry run shows no node port that the server has not
//     allocated.
//   - The field manager must be dedicated: an apply removes what its manager owns
//     and the apply does not repeat. Where our entry holds a field that is neither
//     below a list of ports nor a container's key or name, or the name
//     of a static port, nothing is written, and the error is a [NotDedicatedError].
//     A release that keeps the ports changes no value and is not refused.
//   - A port is reported as Owned or Shared only when it is live, named and ours.
package apply
