package facts

// serviceFacts are the facts about the ports of a Service. Their numbers are those of a
// longer list.
var serviceFacts = []Fact{
	{
		List: ServicePorts, Number: 1, Name: "Entries",
		Statement: "The key of a Service port is port and protocol. An apply owns the item and the fields that it sends; the node port that the server allocates has no owner.",
		Meaning:   "Two managers can own ports of one Service next to each other, and neither has to declare node ports.",
		Thread:    threadKeys,
	},
	{
		List: ServicePorts, Number: 2, Name: "ReapplyChangesNothing",
		Statement: "Applying unchanged ports again leaves resourceVersion as it is, for every type of Service.",
		Meaning:   "A controller may apply at every reconcile without waking watchers.",
	},
	{
		List: ServicePorts, Number: 3, Name: "NoGeneration",
		Statement: "A Service has no metadata.generation.",
		Meaning:   "Only resourceVersion, or the spec itself, shows whether a Service has changed.",
	},
	{
		List: ServicePorts, Number: 4, Name: "UnnamedPortForbidsAnother",
		Statement: "A Service that has a port without a name refuses a second port. The error names the item without a name, not the one that was applied.",
		Meaning:   "The cause of a refusal need not be your item: match it by what it names. The owner must name its port first.",
		Thread:    threadUnnamed,
	},
	{
		List: ServicePorts, Number: 5, Name: "SecondPortForbidsUnnamed",
		Statement: "While a Service has another manager's port, its owner cannot add a port without a name or remove the name of its own, also with force.",
		Meaning:   "A contributed port can make the owner's next apply fail.",
		Thread:    threadUnnamed,
	},
	{
		List: ServicePorts, Number: 7, Name: "OmittedProtocol",
		Statement: "A port that is applied without a protocol has the key of the default, TCP, and its owner does not own the protocol. Adding `protocol: TCP` later changes managedFields alone.",
		Meaning:   "A port without a protocol and one with `protocol: TCP` are one item.",
	},
	{
		List: ServicePorts, Number: 8, Name: "TwoProtocolsOnOneNumber",
		Statement: "Two protocols on one number are two items, which two managers can own. A no-op, a change, the removal and another addition of one of them leave the other as it is.",
		Meaning:   "With server-side apply, DNS on TCP and UDP can have two owners. With client-side apply it cannot (fact 41).",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/105610",
	},
	{
		List: ServicePorts, Number: 9, Name: "OneKeyTwice",
		Statement: "A Service cannot have two items with one key. An Update is refused with 422; an apply whose own body has the key twice is refused with 500.",
		Meaning:   "Remove duplicates from your list before an apply, and do not retry this 500.",
		Thread:    threadTwins,
	},
	{
		List: ServicePorts, Number: 10, Name: "Validation",
		Statement: "The name of a Service port is a DNS label of at most 63 characters, not of 15 as in a container, and may be digits alone. Numbers are 1 to 65535, protocols are in upper case.",
		Meaning:   "A name that is valid in a Service need not be valid in a container.",
	},
	{
		List: ServicePorts, Number: 11, Name: "TargetPortNames",
		Statement: "A targetPort that is a name follows the rules of container port names: at most 15 characters, at least one letter, no double hyphen.",
		Meaning:   "A number in quotes is not a valid targetPort.",
	},
	{
		List: ServicePorts, Number: 12, Name: "AppliedOrderWins",
		Statement: "The order of the applied list wins: the same ports in another order change the Service.",
		Meaning:   "Nothing restarts, but watchers see a change. Apply ports in the order that they have in the live object.",
		Thread:    threadOrder,
	},
	{
		List: ServicePorts, Number: 13, Name: "OneKeyConflicts",
		Statement: "Two managers that apply one key conflict on each field with another value, .name and .targetPort.",
		Meaning:   "The conflict names the manager and every field, so one request reports all of them.",
		Thread:    docApply,
	},
	{
		List: ServicePorts, Number: 14, Name: "UnnamedItemWithTargetPortDiverts",
		Statement: "An item that is applied with a targetPort but without a name changes where another manager's port leads, without a conflict, if that manager set no targetPort. The owner's re-apply does not change it back.",
		Meaning:   "Do not send a targetPort for an item whose name belongs to another manager.",
	},
	{
		List: ServicePorts, Number: 15, Name: "UnnamedPortTakesName",
		Statement: "An unforced apply gives its name and targetPort to another manager's port without a name. That manager can then not set them without force; a release restores them.",
		Meaning:   "Check that a key is free before you apply it.",
	},
	{
		List: ServicePorts, Number: 16, Name: "OneNameTwice",
		Statement: "One name on two numbers is refused with 422, and the index in the error is that of the merged list.",
		Meaning:   "Do not take the index in an error for one of your own list.",
	},
	{
		List: ServicePorts, Number: 17, Name: "ChangingCoOwnedPort",
		Statement: "A port with two owners cannot be renumbered by either, also with force: the old item stays, and its name would be there twice. Another targetPort is a conflict; with force it takes that field from the other owner.",
		Meaning:   "Before a co-owned port gets another number, one of the owners must give it up.",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/80914",
	},
	{
		List: ServicePorts, Number: 18, Name: "ForcedNameLeavesKeyShared",
		Statement: "A forced apply of another name and targetPort takes these two fields. The former owner still owns the item, its number and its protocol.",
		Meaning:   "Your item may carry another manager's name. What you give up of it then stays.",
		Thread:    docApply,
	},
	{
		List: ServicePorts, Number: 19, Name: "RenamedAndRetargeted",
		Statement: "When another manager changes the name or the targetPort of an item, the next apply of the field is a conflict. Without that field the apply changes nothing.",
		Meaning:   "To leave a field to the other manager and keep the port, leave the field out.",
		Thread:    docApply,
	},
	{
		List: ServicePorts, Number: 20, Name: "OmittedTargetPort",
		Statement: "An omitted targetPort becomes the port's own number and has no owner. Leaving out a targetPort that was applied before resets it to that number.",
		Meaning:   "Leaving a field out is a change if you are its only owner.",
	},
	{
		List: ServicePorts, Number: 21, Name: "RefusalsListed",
		Statement: "A refusal with 422 lists every invalid field. A conflict hides them: with both, the answer has only the conflict.",
		Meaning:   "After a conflict is resolved, the next apply may still be refused.",
	},
	{
		List: ServicePorts, Number: 22, Name: "NodePortStays",
		Statement: "The node port of a port stays over no-ops, another targetPort, another name, another number and another protocol, as long as either the key or the name stays.",
		Meaning:   "Change one of the two at a time, and clients keep their node port.",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/23551",
	},
	{
		List: ServicePorts, Number: 23, Name: "NodePortByKeyElseName",
		Statement: "The server carries a node port over by key, else by name. Another number and another name in one apply get another node port.",
		Meaning:   "Renumber and rename in two requests.",
	},
	{
		List: ServicePorts, Number: 24, Name: "NodePortOfRemovedPort",
		Statement: "The node port of a removed port is free at once, and another Service port can take it. A port that is added again gets another node port.",
		Meaning:   "Node ports do not survive the removal of a port.",
	},
	{
		List: ServicePorts, Number: 26, Name: "DryRunNodePort",
		Statement: "A dry run answers a node port outside the range, which is not the one that the real request gets.",
		Meaning:   "Do not show or compare the node ports of a dry run.",
		Thread:    "https://github.com/kubernetes/kubernetes/pull/67038",
	},
	{
		List: ServicePorts, Number: 27, Name: "PinnedNodePorts",
		Statement: "A node port that another port of the same Service has is refused with 500; one of another Service with 422.",
		Meaning:   "Do not retry this 500.",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/135439",
	},
	{
		List: ServicePorts, Number: 29, Name: "MissingService",
		Statement: "Applying a port to a Service that does not exist creates a Service without a selector. With metadata.uid it is refused: 409 if the Service is missing, 422 if it was recreated.",
		Meaning:   "A manager that only contributes ports should send the uid, and needs no permission to create.",
		Thread:    threadExists,
	},
	{
		List: ServicePorts, Number: 30, Name: "FirstPort",
		Statement: "A ClusterIP, NodePort or LoadBalancer Service cannot be created without ports. A headless or ExternalName Service can.",
		Meaning:   "The owner of an ordinary Service must have a port of its own, at least at first.",
	},
	{
		List: ServicePorts, Number: 31, Name: "OwnerDropsItsPorts",
		Statement: "The owner can remove all of its ports, by an empty list or by none, while another manager's port is there.",
		Meaning:   "Your port may be the last one without any write of yours.",
	},
	{
		List: ServicePorts, Number: 32, Name: "LastPort",
		Statement: "The last port of a ClusterIP, NodePort or LoadBalancer Service cannot be removed by an apply or a patch. That of a headless or ExternalName Service can.",
		Meaning:   "Keep the last port, and remove it once the owner has one again.",
	},
	{
		List: ServicePorts, Number: 33, Name: "MovingPortToOwnedKey",
		Statement: "An owner that renumbers its port to the key of another manager gets a conflict on .name and .targetPort.",
		Meaning:   "A contributed port reserves its number.",
	},
	{
		List: ServicePorts, Number: 34, Name: "GivingUpNameOfUnnamedPort",
		Statement: "A manager that has named another manager's port (fact 15) cannot give that name up while it has a second port: the Service would have a port without a name.",
		Meaning:   "Give up both ports in one apply.",
	},
	{
		List: ServicePorts, Number: 35, Name: "PruningUnowned",
		Statement: "An apply that gives up its manager's last port removes ports without an owner too. A ClusterIP Service refuses that, a headless Service loses them. If a third manager owns a port, they stay.",
		Meaning:   "If the list has ports without an owner, remove your last port by a JSON patch instead, with a test of resourceVersion.",
	},
	{
		List: ServicePorts, Number: 36, Name: "ListOutlivesItems",
		Statement: "A manager that creates the list by an Update owns the list itself, and keeps it when an apply removes the last port. Every later apply of a port is a conflict with that manager. A JSON patch that removes the last port removes the list.",
		Meaning:   "If another manager owns the list itself, remove your last port by a JSON patch.",
	},
	{
		List: ServicePorts, Number: 38, Name: "EmptiedManagedFields",
		Statement: "Where all managedFields were emptied, the next apply gives every field to `before-first-apply`. The same values are then co-owned, another value is a conflict.",
		Meaning:   "Even an apply of metadata alone writes to such an object.",
		Thread:    threadEmptied,
	},
	{
		List: ServicePorts, Number: 39, Name: "UnownedPorts",
		Statement: "A port without an owner stays over the owner's re-apply of its own ports, but keeps the owner from removing its last port. An unforced apply takes and renames it.",
		Meaning:   "A port that you leave without an owner can hold up one manager and be taken by another.",
	},
	{
		List: ServicePorts, Number: 41, Name: "KubectlMergesPortsByNumber",
		Statement: "Client-side kubectl apply merges ports by number alone. If it adds 2049/UDP where another manager owns 2049/TCP, that item becomes the UDP port, with its targetPort and node port.",
		Meaning:   "Where the owner uses client-side apply, do not contribute a number that it declares with another protocol.",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/39188",
	},
	{
		List: ServicePorts, Number: 43, Name: "ReplacingTheList",
		Statement: "A JSON merge patch of the ports and kubectl replace remove the ports of all other managers and their ownership. `kubectl apply --server-side` leaves them.",
		Meaning:   "A contributor must watch the Service and add its port again, which then has another node port (fact 24).",
	},
	{
		List: ServicePorts, Number: 44, Name: "ReadModifyWrite",
		Statement: "An Update that sends back another manager's port leaves it to its owner, one without the port removes it. An Update that gives the port another number takes it, with its node port; the former owner's apply is then refused with 422.",
		Meaning:   "A client that reads, modifies and updates is safe only for ports that it does not touch.",
	},
	{
		List: ServicePorts, Number: 46, Name: "TargetPortNumberMovesTraffic",
		Statement: "A targetPort that is another number is written to the same EndpointSlice; so is the removal of the port.",
		Meaning:   "A changed targetPort moves traffic at once and restarts nothing.",
	},
	{
		List: ServicePorts, Number: 47, Name: "ServicePortNumberMovesNone",
		Statement: "Another number of the Service port with the same targetPort leaves the EndpointSlice unchanged.",
		Meaning:   "The number that clients use can change independently of the pods.",
	},
	{
		List: ServicePorts, Number: 48, Name: "TargetPortNameIsEachPodsOwn",
		Statement: "A targetPort that is a name leads to the number that each pod declares under it. A pod without the name, or with it on another protocol, is left out without an error. A targetPort that is a number leads to every pod.",
		Meaning:   "During a rollout a name follows the pods, but a pod that lacks the name silently gets no traffic.",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/109627",
	},
}
