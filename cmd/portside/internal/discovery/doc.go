// Package discovery finds out which adapters of a target are active. A [Source]
// says so, as far as it knows; [Sources] choose the one that an AdapterSet names.
// Package sources lists the kinds: the AdapterSet's own list ([Declared]), and the HTTP
// API of the target's pods (package httpapi). The [Poller] polls sources and keeps the
// latest answer of each.
//
// When a source is polled ([Poller]):
//
//  1. The first poll comes at a random time within the interval, each later one an
//     interval and up to a tenth of it after the last answer. A target that
//     refuses our credentials is polled less and less often, up to sixteen
//     intervals apart, so that no account is locked.
//  2. A target that waits for its next poll is an entry of a delaying queue. It
//     has no goroutine, timer, context or connection.
//  3. What a poll asks is asked in one of a bounded number of places, which the
//     namespaces take in turn. A question that waits for a place has no
//     goroutine, so slow pods delay neither the targets of other namespaces nor
//     a reconcile.
//
// Whose pods are asked ([Pods]):
//
//  4. A pod is the target's if it is in the target's namespace, its labels match
//     the target's selector, and its controller is the target by apiVersion, kind,
//     name and UID. Between a Deployment and its pods is a ReplicaSet, whose
//     controller is read from the API server.
//  5. Ready pods are asked, and those that run and cannot become ready before an
//     adapter port is declared, since a probe names it.
//  6. Several pods are asked at once, each with a timeout of its own.
//
// What the answers mean ([Merge]):
//
//  7. The poll is complete: every pod that was asked answered, at least one was,
//     as many pods are ready as the workload wants, and no rollout is under way
//     ([Result.Complete]). An adapter is active if any pod reports it so. One
//     that no pod reports is inactive.
//  8. The poll is not complete: the answers may add an adapter, and neither
//     remove nor renumber one. A pod that did not answer, or is not ready, may
//     still serve it, or have another number for it.
//  9. None answered, or no pod was asked: the last good answer stays.
//  10. Pods disagree on the number of an adapter (one is behind): the last
//     number stays until a complete poll in which all that have it active agree.
//     If there is none, the number that most pods report is used, then the
//     lowest, and only then one that cannot be a port.
//  11. Adapters that were active before come first in the list, so that one that
//     newly claims the number of another does not get it.
//  12. A poll that is not complete is reported with its reason. If only the
//     workload is the cause, that is from the second such poll in a row
//     ([Merged.Condition]), so that pods that restart are not reported.
//
// What goes wrong is an [Error]: a [Reason], and a text that stays the same while
// the cause does.
package discovery
