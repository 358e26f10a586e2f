// Package controller is the continuous service: it keeps the adapter ports of
// every workload that an AdapterSet names as package apply would in a single
// pass, and says in status and events what it found.
//
// The unit of work is the target, not the AdapterSet: two AdapterSets that name
// one workload are one decision. A reconciliation of a target
//
//  1. finds its AdapterSet: the oldest wins, a later one says TargetTaken;
//  2. looks at the workload: as watched, or as the server last answered us,
//     whichever is newer. No request is sent for it;
//  3. finds the active adapters: those declared, or the last good answer of the
//     pods, and whether that was a complete poll. Where there is none the target
//     is not touched;
//  4. decides which ports are wanted and whether a change may go out
//     (package rollout);
//  5. makes one pass, unless managedFields say that the server has accepted
//     just that already (apply.Applier.UpToDate). Now and then it asks all the
//     same: the full pass;
//  6. tells: status, events. That comes after the ports of other targets, since
//     it goes back to the queue with less priority.
//
// Nothing is kept outside the cluster. What a restart forgets, managedFields and
// status tell again; what they do not tell is forgotten to the side of waiting
// longer. Time comes from one clock, which tests inject.
package controller
