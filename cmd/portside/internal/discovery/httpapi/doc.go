// Package httpapi is the [discovery.Source] that asks the pods of a workload, over
// HTTP, which adapters are active, and the format of their answer.
//
// One pod ([Client.Ask]):
//
//  1. The connection goes to the pod's own address and port, and nowhere else:
//     no name is looked up, no proxy of the environment is used, no redirect is
//     followed. An address that no pod of a cluster has is not connected to.
//     Each request has a connection of its own, so no connection is left open,
//     and each answer comes from a server whose certificate was checked for it.
//  2. With a login path, a token is requested from that pod with the username and the
//     password (pods need not share the key they sign with), kept in memory, and
//     renewed before it expires. Without one, the Secret's token is sent as it is or,
//     if there is none, the username and the password by HTTP Basic.
//  3. After a 401 the token is renewed once: refreshed or, if that is refused, by
//     one login. A second 401 is final for this question, and the next one begins
//     with a login.
//  4. The status is classified by its code alone; 200 is the only one whose body
//     is read. The body is at most [MaxBodyBytes] long. How much is read of a TLS
//     handshake and of the head of an answer is bounded as well.
//  5. All of that together takes at most [Endpoint.Timeout].
//
// With an expression (package expression), the answer is mapped to the list: there,
// enabled and running are true by default, and identical elements count once. An answer
// of which the expression makes no list is refused as a whole.
//
// The list of adapters ([Parse]) is that of DittoFS' GET /api/v1/adapters. Of each
// element it needs type, port, enabled and running, reads protocol, and ignores the
// rest, which varies by release. A list is used as a whole or not at all:
//
//  6. A list that cannot be read, or that is ambiguous, is refused as a whole.
//     Half a list would remove the ports of the other half.
//  7. A value that is well formed and wrong (port 70000, protocol "XYZ") costs
//     that one port, which package apply reports. A type or protocol that is
//     too long, or not printable ASCII, is escaped and truncated
//     ([apply.Adapter.Printable]), and stays invalid.
//
// Error texts name the place of what is wrong and never the text found there,
// beyond an element's short type: an answer that is not the list may have a secret.
// For the same reason no error of net/http is passed on, which quotes the answer.
package httpapi
