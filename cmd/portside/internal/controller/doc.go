// Package controller is the service that runs all the time: it keeps the adapter ports of
// every workload that an AdapterSet names as package apply would, and reports in status
// and events what it found and did.
//
// A reconcile is of a target, not of an AdapterSet: two AdapterSets that name one
// workload are one decision. The oldest wins, and a later one reports TargetTaken. The
// stages hand a value to the next:
//
//  1. observe reads the workload, as cached or as the API server last answered us,
//     whichever is newer; no request is sent for it. Then it asks the source for the
//     active adapters. Without an answer nothing changes.
//  2. desired returns the ports that should be there, retained ones included and
//     contended ones not.
//  3. decide returns the plan. A plan is up to date if managedFields show that the API
//     server has accepted it before.
//  4. ask has package rollout decide whether the plan may be applied now.
//  5. apply writes the ports, and nothing else does. Now and then it asks the API server
//     although the ports are up to date: the resync.
//  6. report stores status and sends events. After a change of ports that is left to
//     another reconcile of low priority, since the ports of other targets come first.
//
// Nothing is stored outside the cluster. After a restart managedFields and status show
// most of what a process knew; what they do not show can only make it wait longer. All
// times come from one clock, which tests inject.
package controller
