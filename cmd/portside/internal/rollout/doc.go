// Package rollout decides when a change of a target's ports may go out. A
// changed container port restarts pods, so what this package is for is that
// nothing changes without cause, not twice for one cause, and never on top of a
// restart that is under way. It has no client and no clock of its own: what is
// known comes in, with the time, and what to do comes out.
//
// Which ports are wanted:
//
//  1. The port of an active adapter.
//  2. A port of ours whose adapter is inactive (absent, disabled or not
//     running), until that has lasted for the removal delay ([Removals]). The
//     delay advances, and the port is removed, only while no rollout is under
//     way and the latest poll is complete: a restart makes every adapter look
//     stopped, and taking its port away would cause the next restart. A port
//     that another manager renamed is not kept for that delay: without its
//     adapter it stays, and is that manager's.
//  3. A port of ours whose number, or whose name, an active adapter has now is
//     that adapter's. It waits for no delay, but for a complete poll in which
//     the pods agree: until then the number that is declared stays
//     ([Poll.Agreed]).
//  4. Not, for now, a port that another manager keeps removing: it is added again
//     at most five times in ten minutes, then once an hour ([Fight]). The
//     others do not wait for it.
//
// When the wanted ports go out ([Target.Hold]):
//
//  5. After they have been the same for the settle time, so that all changes of
//     a target go out in one apply ([Settling]).
//  6. After a back-off, when the server refused the same before ([Retry]).
//  7. Not while a rollout of the target is under way, unless that rollout waits
//     for a port that is to be added: a pod whose readiness probe names a port
//     that is not declared never becomes ready ([Rollout]).
//  8. Not while as many targets as are allowed are in a rollout that we caused.
//     The places are shared out by namespace, and a rollout that is stuck gives
//     its place up ([Limit], [Rollout]).
//
// How often the status of a target is written is paced as well ([Writes]).
//
// What is lost with the process can only delay a change: the removal delay of
// declared adapters is kept in the AdapterSet's status, that of others begins
// again with the first complete poll, since it is not known how long no pod was
// asked; a restart begins the stabilization window again; and contention that
// status reports is taken to have just happened.
package rollout
