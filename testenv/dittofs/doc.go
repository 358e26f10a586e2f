// Package dittofs is a fake DittoFS server: the API that portside asks which
// adapters run, in the pods of a namespace or at an address of its own.
//
// A [Server] answers every pod's questions alike, or some pods' in another way
// ([Server.Answer]). An answer is an [http.HandlerFunc]: a [Recording] of a real
// server, a list of [Adapters], a [Status], or a fault such as [Silent]. Where
// [Options] have a user, a client must log in first; [Behavior] is what goes wrong
// with logins, tokens and certificates. The server counts what it is asked. [Listen]
// serves any handler at an address, for tests without pods.
//
// The folder operator-v0.29 has what DittoFS' operator of that release wrote: its
// StatefulSet, Services and NetworkPolicies with managedFields, unedited, for the
// DittoServer next to them.
package dittofs
