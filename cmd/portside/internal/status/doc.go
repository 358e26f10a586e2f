// Package status computes an AdapterSet's status and the events about it, from the
// previous status and what a reconciliation observed and did. It is pure. Texts
// stay the same while nothing changes, since another text is another write. Texts
// are never read back: only states, reasons and times are compared.
//
// # Conditions
//
// They follow kstatus
// (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus), which
// Argo CD, Flux and others read. Ready reports whether every desired port is in
// place, Reconciling that something is going to change without manual action, and
// Stalled that nothing changes until a person acts. Ready is never False or
// Unknown while both of the others are False. The first rule that applies counts.
//
//	  | state                                            | Ready   | Reconciling | Stalled | reason
//	1 | TargetNotFound                                   | False   | True        | False   | the state's
//	  | AwaitingAnswer                                   | Unknown | True        | False   |
//	  | TargetTaken, ContainerNotFound,                  | False   | False       | True    |
//	  | FieldManagerNotDedicated, NamespaceExcluded      |         |             |         |
//	  | Removing                                         | False   | True        | False   |
//	2 | the API server refused the change                | False   | False       | True    | Refused
//	  | the API server is not available                  | False   | True        | False   | Unavailable
//	  | contention                                       | False   | False       | True    | Contended
//	  | a port is Blocked                                | False   | False       | True    | Conflicting
//	  | a port is Invalid                                | False   | False       | True    | InvalidAdapter
//	  | a change waits for a rollout without progress    | False   | False       | True    | RolloutStuck
//	  | a change waits                                   | False   | True        | False   | Stabilizing, RolloutUnderWay, RolloutLimit
//	  | a change waits for another manager's rollout     | True    | False       | False   | Deferred
//	  | none of these                                    | True    | False       | False   | InPlace, AsExpected
//
// In addition, whatever Ready is:
//
//   - While a rollout that portside caused is under way, Reconciling is True
//     (RollingOut). When it makes no progress, Reconciling is False and Stalled is
//     True (RolloutStuck).
//   - While the ports of inactive adapters wait for their removal, Reconciling is
//     True (RemovalWaiting).
//   - When discovery has failed three times in a row for a reason that needs
//     action, Stalled is True with that reason, until the first answer.
//   - With spec.suspend, or while the workload is paused, Ready stays as it was, so
//     does a Stalled that is True, and Reconciling is False (Suspended, Paused).
//     Without a Ready before, it is True with that reason. An AdapterSet that was
//     not Ready and not Stalled is Stalled with that reason, since it stays so until
//     a person lets portside continue. A rollout under way is reported until it is
//     complete. While the workload does not exist, Ready is False (TargetNotFound)
//     and Stalled is True; once it exists, the rule for a new AdapterSet applies.
//
// Discovered exists where pods are asked.
//
// # Events
//
// An event reports what happened: a change of the pod template is in the facts, as
// it was recorded when it was stored, and a condition or a port's state is reported
// when it begins. All ports with one reason share an event, which names as many as
// fit into its note.
package status
