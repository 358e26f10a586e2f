// Package discovery asks the pods of a workload, over HTTP, which adapters are
// active. It has no Kubernetes client: pods and credentials come as plain data,
// and what it gives back is what to want, and why not.
//
// One pod ([Client.Ask]):
//
//  1. The connection goes to the pod's own address and port, and nowhere else:
//     no name is looked up, no proxy of the environment is used, no redirect is
//     followed. An address that no pod of a cluster has is not connected to.
//     Each request has a connection of its own, so none is left over, and
//     nothing is believed of a server that was not proven with this request.
//  2. A token is sent as it is. With a username and a password a token is
//     asked of that pod (pods need not share the key they sign with), kept in
//     memory, and renewed before it expires.
//  3. After a 401 the token is renewed once: refreshed or, where that is
//     refused, by one login. A second 401 is final for this question, and the
//     next one begins with a login.
//  4. Status is classified by its code alone; 200 is the only one whose body is
//     read. The body is at most [source.MaxBodyBytes] long and is believed
//     whole or not at all, as package source has it. What is read of a TLS
//     handshake and of the head of an answer is bounded as well.
//  5. All of that together takes at most [Endpoint.Timeout], once it has begun.
//     A process has a bound on the questions of all targets that are under way,
//     from before the connection until the answer is parsed ([Clients]).
//
// All pods ([Client.Poll], [Merge]):
//
//  6. Several are asked at once, each with a timeout of its own.
//  7. The poll is complete: every pod that was asked answered, at least one was,
//     as many pods are ready as the workload wants, and no rollout is under way
//     ([Result.Complete]). An adapter is active when any pod reports it so. One
//     that no pod reports is inactive.
//  8. The poll is not complete: the answers may add an adapter, and neither
//     remove nor renumber one. A pod that is silent, or not ready, may still
//     serve it, or have another number for it.
//  9. None answered, or no pod was asked: the last good answer stays.
//  10. Pods disagree on the number of an adapter (one is behind): the last
//     number stays until a complete poll in which all that have it active agree.
//     Where there is none, the number that most pods report is taken, then the
//     lowest, and only then one that can be no port.
//  11. Adapters that were active before come first in the list, so that one that
//     newly claims the number of another does not get it.
//  12. A poll that is not complete is reported with its reason. Where only the
//     workload is the cause, that is from the second such poll in a row
//     ([Merged.Condition]): pods that restart are no news.
//
// What goes wrong is an [Error]: a [Reason], the pod's name, and a text that is
// the same each time. It carries no cause. What net/http says of an answer
// quotes the answer, and an answer, as a request, may hold a secret; for the
// same reason net/http's Transport is not used, which logs what a server says
// unasked.
package discovery
