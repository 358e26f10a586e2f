// Package apply keeps the adapter-* ports of a workload true to the protocol
// adapters it serves, through one server-side apply field manager, and owns
// nothing else of it. It goes from adapters to the server in three parts: the
// intent ([Decide], pure), the typed apply configuration, and the one place
// that calls Apply ([Applier]). The API server decides what is a change and
// what is a conflict; nothing here compares whole objects, and nothing forces.
//
// # The cases
//
// The owner of a key (containerPort and protocol) is a manager whose set holds
// the port item itself; the owner of a name is one whose set holds the item's
// f:name. M is any manager but us, also one that updates. For each wanted port
// the first row that fits decides:
//
//	row  the key is owned by     its live name            state              what is emitted
//	 1   absent                  (ours is free)           Owned              the port
//	 2   us alone                ours, or none            Owned              the port
//	 3   us alone                another, given by M      Blocked (M)         the port without a name, so that it stays
//	 4   M, with or without us   ours, and M owns it      Shared (M)          the port
//	 5   us and M                another, or not M's      Shadowed (M)        nothing; M's port gets back what M declared
//	 6   M alone                 another, or not M's      Shadowed (M)        nothing
//	 7   nobody                  ours                     Owned              the port
//	 8   nobody                  another, or none         Shadowed (nobody)   nothing
//	 9   absent or us            ours is on another key   Blocked (holder)    nothing, and the old key no more either
//	10   absent or us            the same, nobody's key   Owned              that key first, then ours: two requests
//	11   two items, one key                               Blocked            nothing, until adopted
//
// Row 3 comes before row 9: what M renamed stays also when M gave our name to
// another port. It stays as well when it is not wanted any more: then it is M's
// (Released), by a hand-over that does not change the pod template, or nobody's
// where an admission policy forbids that. A static
// port that client-side apply merged onto an adapter's number is such a port, and
// M can still drop it. What M named as the adapter, and we took back by row 2, is
// ours again. A name that we gave ourselves is ours to change, so a number
// that passes from one adapter to another is row 2.
//
// # What holds for every pass
//
//   - Of two wanted ports with one key or one name the first wins and the other
//     is Blocked. An invalid adapter is Invalid and left out. In both cases a
//     port of ours that is live under the adapter's name stays as it is: a
//     source that talks nonsense takes nothing away. A source's list of more
//     than [MaxAdapters] is refused whole; ports that wait for their removal do
//     not count.
//   - In a pod template with hostNetwork every port is Blocked unless both
//     [Desired.AllowHostNetwork] and the workload's [AllowHostNetworkAnnotation] allow
//     it. Ports that would give a container more than [MaxPorts] are Blocked; a
//     surplus removes none that is live.
//   - Live keys are emitted in their live order, new ones after them sorted by
//     number and protocol. The order of an applied list wins on the server, so
//     another order would be a change, and a change restarts pods.
//   - What we own is what managedFields say and the object still has.
//   - With nothing to emit, metadata alone goes out and our entry is gone; with
//     nothing to emit and no entry, nothing is sent: an apply of nothing still
//     makes the server fill managedFields that were emptied. Where the server
//     would prune what nobody owns along with our last port of a container, or
//     leave its list of ports, now without any, to the manager that made it, with
//     which our next port would conflict, a patch takes out our ports and our
//     claim instead, and insists on the workload as it was read.
//   - An apply carries the uid, so that a workload that is gone or was made
//     anew is refused and never created. From a look that a pass was given it
//     carries the resourceVersion as well. A refusal that names a port costs that
//     port; one that names none means that we looked at an old object: look
//     again, once. The answer to an apply is the next look: where somebody was
//     faster, what the table says then goes out at once, a few times at most.
//   - The field manager must be dedicated: an apply removes what its manager owns
//     and the apply does not repeat. Where our entry holds a field that is neither
//     below a container's list of ports nor a container's key or name, or the name
//     of a static port, nothing is written, and the error is a [NotDedicatedError].
//     A release that keeps the ports changes no value and is not refused.
//   - A port is told as Owned or Shared only when it is live, named and ours.
//   - What another manager's way of writing will hurt, or be hurt by, later on is
//     a [Warning], as far as the workload shows it.
//
// # For who watches many workloads
//
//   - [Applier.ApplyFrom] begins with the look that one has, so that a change costs
//     one request. Its apply insists on that look by metadata.resourceVersion, so
//     a stale one is refused and costs a look of the pass' own.
//   - [Applier.UpToDate] knows without a request that a pass would change
//     nothing: managedFields record the last apply that the server accepted.
//   - [Workload.Trimmed] is a look for keeping: what decisions depend on, and no
//     more.
//   - [Workload.Rollout] and [Container.ProbePorts] tell whether a change would come
//     into a rollout that is under way, and whether that waits for the port.
//     [Result.TemplateChanged] tells whether a pass began one.
//
// # Where the rows come from
//
// Why a look and not a cache of what was applied: ownership is in
// metadata.managedFields, which the server keeps, so a restart loses nothing;
// see https://kubernetes.io/docs/reference/using-api/server-side-apply/. Why a
// name can be in the way of a number (rows 9 and 10):
// https://github.com/kubernetes/kubernetes/issues/131147. Why two items can
// have one key (row 11):
// https://github.com/kubernetes/kubernetes/issues/113482.
package apply
