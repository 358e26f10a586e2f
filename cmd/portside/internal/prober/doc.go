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
//   - only ready pods that the target controls are asked, a Deployment's
//     through its ReplicaSets.
package prober
