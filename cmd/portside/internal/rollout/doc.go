// Package rollout decides when a change of a workload's ports may be applied. A changed
// container port restarts pods, so nothing may change without cause, twice for one
// cause, or while a restart is under way. The package has no client and no clock of its
// own: what is known comes in with the time, and what to do comes out.
//
// Which ports are desired:
//
//  1. The port of an active adapter.
//  2. A port of ours whose adapter is inactive (absent, disabled or not running), until
//     it has been so for the removal delay ([Policy]). The delay advances, and the
//     port is removed, only while no rollout is under way and the latest poll is
//     complete: a restart makes every adapter look stopped, and removing its port would
//     cause the next restart. A port that another manager renamed is not retained:
//     without its adapter it stays, and is that manager's.
//  3. A port of ours whose number or name belongs to an active adapter now is that
//     adapter's. It waits for no delay, but for a complete poll in which the pods
//     agree: until then the declared number stays ([Poll.Agreed]).
//  4. Not, for now, a port that another manager keeps removing: it is added again at
//     most five times in ten minutes, then once an hour ([Contention]). Other ports do
//     not wait for it.
//
// When the desired ports may be applied ([Gate]):
//
//  5. After the plan has been the same for the stabilization window, so that all changes
//     of a workload are one apply ([Stabilization]).
//     With mode NextRollout it then waits until another manager changes the pod
//     template, and is applied at once when that happens, within the window too: the
//     pods restart anyway ([Templates]). It does not wait where no pod restarts.
//  6. After a back-off, when the API server refused the same plan before.
//  7. Not while a rollout of the workload is under way, unless the change waited for that
//     rollout to begin, or the rollout waits for a port that the plan adds: a pod whose
//     readiness probe names a port that is not declared never becomes ready ([Progress]).
//  8. Not while as many workloads as allowed are in a rollout that we caused. The places
//     are shared out by namespace, and a rollout that is stuck gives its place up
//     ([Limit], [Progress]).
//
// What is lost with the process can only delay a change. The removal delay of declared
// adapters is in the AdapterSet's status. That of others begins again with the first
// complete poll, since it is not known how long no pod was asked. A restart begins the
// stabilization window again, and a contention that status reports is taken to have just
// happened.
package rollout
