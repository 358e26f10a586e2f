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
//   - ReplaceAndSelfHeal: what becomes of our ports when somebody takes them
//     away by hand, and when the tool replaces the object? (Mode.SelfHeal)
//
// [Mode.Check] asks them all, compares the answers with those that a test
// expects, and writes the row. [Mode.History] plays a random history of commits
// and adapters and checks every step against a model.
//
// It is for the tests of the modules in testenv/peers.
package compat
