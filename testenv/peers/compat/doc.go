// Package compat asks of a tool that brings workloads from Git to a cluster, in one
// of its modes, whether it and portside leave each other's fields alone. The answers
// are a row of the compatibility table, and each is found by running both on a real
// API server:
//
//   - InSync: does the tool's own comparison report in sync while our ports exist?
//     (Mode.Unchanged)
//   - SyncChangesPorts: what does a sync of an unchanged commit do to our ports?
//     (Mode.Unchanged)
//   - SyncRestartsPods: does that sync restart pods? (Mode.Unchanged)
//   - OwnerCanChange: can the owner still change the image, and add, renumber,
//     rename, drop and reorder ports, and rename a container? (Mode.Changes)
//   - GitDeclaresPort: what happens to an adapter port that Git declares too, and how
//     is it renumbered? (Mode.Declared)
//   - RemovedByHand: what happens when our ports are removed by hand, and is that a
//     difference to the tool? (Mode.SelfHeal)
//   - Replace: what happens to our ports when the tool replaces the object?
//     (Mode.SelfHeal)
//
// [Event] is the row of something that happens once, which answers only what it does to
// our ports and whether it restarts pods.
//
// [Mode.Check] asks them all, compares the answers with the expected ones, and writes
// the row. Text in parentheses becomes a footnote of the table, which the command
// table below this package writes. [Mode.CheckAfter] asks of workloads that another
// mode wrote before. [Mode.History] runs a random history of commits and adapters and
// checks every step against a model.
//
// It is for the tests of the modules in testenv/peers.
package compat
