// Package compat asks a tool that brings workloads from Git to a cluster, in
// one of its modes, whether it and portside leave each other alone. The answers
// are a row of the compatibility table, and each is found by running both on a
// real API server:
//
//   - InSync: does the tool's own comparison say in sync while our ports are
//     there? (Mode.Unchanged)
//   - SyncChangesPorts: what does its sync of an unchanged commit do to our
//     ports? (Mode.Unchanged)
//   - SyncRestartsPods: does that sync restart pods? (Mode.Unchanged)
//   - OwnerCanChange: can the owner still change the image, and add, renumber,
//     rename, drop and reorder ports, and rename a container? (Mode.Changes)
//   - GitDeclaresPort: what happens to an adapter port that Git declares as
//     well, and how is it renumbered? (Mode.Declared)
//   - RemovedByHand: what happens when somebody takes our ports away by hand,
//     and does the tool mind? (Mode.SelfHeal)
//   - Replace: what becomes of our ports when the tool is told to replace the
//     object? (Mode.SelfHeal)
//
// [Mode.Check] asks them all, compares the answers with those that a test
// expects, and writes the row. What is in parentheses becomes a footnote of the
// table, which the command table below this package writes. [After] is a mode
// that a workload is moved to. [Mode.History] plays a random history of commits
// and adapters and checks every step against a model.
//
// It is for the tests of the modules in testenv/peers.
package compat
