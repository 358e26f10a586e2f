// Package prober asks, target by target and again and again, which adapters are
// active, and remembers the last good answer. Package discovery knows how to
// ask; here is when, whom, and with which Secret:
//
//   - each target is asked by a goroutine of its own, so a slow pod delays no
//     other target, and never a reconciliation;
//   - the first question comes somewhere within the interval, each later one an
//     interval and up to a tenth of it after the last answer;
//   - a target that refuses our credentials is asked less and less often, up to
//     sixteen intervals apart, so that nobody's account is locked;
//   - the Secret is read for each question, and used only with its label;
//   - only ready pods of the target are asked, and those that run and cannot be
//     ready before an adapter port is declared, since a probe names it. A pod is the target's when it is
//     in its namespace, its labels match the target's selector, and its
//     controller is the target by apiVersion, kind, name and UID. Between a
//     Deployment and its pods is a ReplicaSet, whose own controller is read from
//     the API server.
package prober
