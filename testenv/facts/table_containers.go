package facts

// containerFacts are the facts about the ports of a container.
var containerFacts = []Fact{
	{
		Number: 1, Name: "ReapplyChangesNothing",
		Statement: "Applying an unchanged configuration again changes neither resourceVersion nor generation and sends no watch event. " +
			"The exception is a configuration with an atomic list that the server fills with defaults, such as volumeClaimTemplates: its re-apply after another manager's write moves the time of its entry in managedFields, and with it resourceVersion, once.",
		Meaning: "A controller may apply at every reconcile without waking watchers. A new resourceVersion does not prove that a field has changed.",
		Thread:  "https://github.com/kubernetes/kubernetes/issues/119304",
	},
	{
		Number: 2, Name: "NameIsNotPartOfKey",
		Statement: "The key of a container port is containerPort and protocol. Two managers that give one number different names share one item: " +
			"an unforced apply is a conflict on .name if the other manager set the name, and succeeds if the other manager set none.",
		Meaning: "A port that another manager declares without a name takes your name, and its owner can then not name it without force. Your release removes the name again.",
		Thread:  threadKeys,
	},
	{
		Number: 3, Name: "AppliedOrderWins",
		Statement: "The order of the applied list wins: the same items in another order are a change of the pod template, which restarts the pods.",
		Meaning:   "Apply items in the order that they have in the live object, new ones after them. Two managers that share two or more items in opposite orders raise generation at every apply.",
		Thread:    threadOrder,
	},
	{
		Number: 4, Name: "Renumbering",
		Statement: "Renumbering a port with one owner is one write. With a co-owner it is refused for either, also with force: the old item stays, and its name would be there twice.",
		Meaning:   "Before a co-owned port gets another number, one of the owners must give the item up.",
		Thread:    "https://github.com/kubernetes/kubernetes/issues/80914",
	},
	{
		Number: 5, Name: "OtherOwnerKeepsItem",
		Statement: "An item with another owner stays when a manager stops applying it. A manager that owns only a field of the item, but not the item, does not keep it.",
		Meaning:   "Giving an item up never removes it from a co-owner. A field that you add to another manager's item, such as hostPort, goes with the item.",
		Thread:    docApply,
	},
	{
		Number: 6, Name: "TwoItemsWithOneKey",
		Statement: "An Update may leave two items with one key, and takes the key from its owner. An apply without the key keeps both items; a forced apply of the key replaces both by its own.",
		Meaning:   "A client that reads, modifies and updates can duplicate a port of another manager. The next forced apply of either of them removes the other's item.",
		Thread:    threadTwins,
	},
	{
		Number: 7, Name: "ApplyToMissingObject",
		Statement: "Applying to an object that does not exist tries to create it. With metadata.uid in the body it is refused: 409 if the object is missing, 422 if it was recreated.",
		Meaning:   "A manager that only contributes to an object should send the uid that it has read.",
		Thread:    threadExists,
	},
	{
		Number: 8, Name: "ApplyToMissingContainer",
		Statement: "Applying a port to a container that does not exist tries to create the container, which is refused: it has no image.",
		Meaning:   "Read `image: Required value` as: the owner has renamed or removed the container.",
	},
	{
		Number: 9, Name: "ContainerWithForeignPorts",
		Statement: "While another manager owns ports in a container, the container's owner cannot rename or remove it by apply, forced or not. " +
			"If a third manager has set the image, the same apply leaves the old container next to the new one. " +
			"An Update removes the container and the other manager's entry with it. If admission removes the container, the entry stays.",
		Meaning: "Ports that you contribute hold the container in place. Give them up before its owner renames or removes it.",
	},
	{
		Number: 10, Name: "KubectlMergesPortsByNumber",
		Statement: "Client-side kubectl apply merges ports by number alone: adding the other protocol of a number replaces another manager's port. " +
			"kubectl replace removes the ports of all other managers and leaves them the container's key.",
		Meaning: "Where the owner uses client-side apply, do not contribute a number that it declares with another protocol.",
		Thread:  "https://github.com/kubernetes/kubernetes/issues/111304",
	},
	{
		Number: 11, Name: "Validation",
		Statement: "A port name has at most 15 characters: lower case letters, digits and single hyphens inside, with at least one letter. It is unique in its container. " +
			"Numbers are 1 to 65535, protocols are in upper case. One invalid item refuses the whole apply. " +
			"Two containers of a pod may have one name, with a warning; a Service that targets the name leads to the first container.",
		Meaning: "Validate each item yourself, so that one of them does not hold up the others.",
		Thread:  "https://github.com/kubernetes/kubernetes/issues/113245",
	},
	{
		Number: 12, Name: "NoopApply",
		Statement: "A no-op apply is served like any other and reads the store once; only the write is saved.",
		Meaning:   "Compare managedFields with what you would apply, and do not send an apply that changes nothing.",
	},
	{
		Number: 13, Name: "EmptyBody",
		Statement: "A body with a bare container, or with an empty list of ports, keeps the container's key or takes it. A body of metadata alone removes the manager's entry.",
		Meaning:   "To give up everything, apply metadata alone. The key of a container that you keep holds the container in place (fact 9).",
	},
	{
		Number: 14, Name: "ItemWithoutOwner",
		Statement: "An item has no owner once its owner's entry is dropped and another entry stays, for example because the server no longer converts its apiVersion. " +
			"An unforced apply then takes and renames the item without a conflict. If all managedFields are emptied, the next apply gives every field to `before-first-apply`, which does conflict.",
		Meaning: "A conflict does not protect every port that you did not create. Check for an owner before you apply an item that is there already.",
		Thread:  threadEmptied,
	},
	{
		Number: 15, Name: "RenamedItem",
		Statement: "When another manager changes the name of an item, the next apply of the old name is a conflict. Applying the item without a name changes nothing, and applying nothing deletes the item.",
		Meaning:   "To leave the name to the other manager and keep the port, apply the item without a name.",
		Thread:    docApply,
	},
	{
		Number: 16, Name: "AdmissionSeesManager",
		Statement: "An admission policy sees managedFields and the field manager of the request. It does not see whether an apply is forced.",
		Meaning:   "A policy can limit what a manager owns, but it cannot forbid force.",
		Thread:    "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
	},
	{
		Number: 17, Name: "PruningUnowned",
		Statement: "An apply that gives up its manager's last item below a list removes the whole list, or the whole container, and puts back only what other managers own. Items without an owner are removed too.",
		Meaning:   "If the list has items without an owner (fact 14), remove your last item by a JSON patch instead, with a test of resourceVersion.",
	},
	{
		Number: 18, Name: "ListOutlivesItems",
		Statement: "A manager that creates a list by an Update owns the list itself, and keeps it when an apply removes the last item. Every later apply of an item is a conflict with that manager. An Update that removes the last item removes the list.",
		Meaning:   "If another manager owns the list itself, remove your last item by a JSON patch.",
	},
}
