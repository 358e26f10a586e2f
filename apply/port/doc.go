// Package port is the contract: what an apply has of a list of ports, and what becomes of
// each desired port by it. It is pure, and knows a list by its description, a [List]: where
// it is, its key fields, the field with its items' names, and what the server demands of
// it. So it is the same for the ports of a container (containerPort and protocol), those of
// a Service (port and protocol), and any other list that server-side apply keys by fields
// of scalar types, such as env vars (name).
//
// [Observe] reads a list with the owners of its items, and [Decide] returns the [Plan] for
// the desired ones.
//
// # The rows
//
// The owner of a key is a manager whose set holds the item itself; the owner of a name is
// one whose set holds the item's f:name. M is any manager but ours, also one that writes by
// Updates. For each desired item the first row that fits decides:
//
//	row  the key is owned by     its live name            state               what is applied
//	 1   absent                  (ours is free)           Owned               the item
//	 2   us alone                ours, or none            Owned               the item
//	 3   us alone                another, given by M      Blocked (M)         the item without a name, so that it stays
//	 4   M, with or without us   ours, and M owns it      Shared (M)          the item
//	 5   us and M                another, or not M's      Shadowed (M)        nothing; M's item gets back what M declared
//	 6   M alone                 another, or not M's      Shadowed (M)        nothing
//	 7   no manager              ours                     Owned               the item
//	 8   no manager              another, or none         Shadowed            nothing
//	 9   absent or us            ours is on another key   Blocked (its owner) nothing, and the old key no more either
//	10   absent or us            the same, both unowned   Owned               that key first, then ours: two requests
//	11   two items, one key                               Blocked             nothing, until adopted
//
// Row 3 comes before row 9: what M renamed stays also when M gave our name to another item.
// It stays as well when it is no longer desired: then it is M's (Released), by a transfer
// that does not change the object's values, or unowned where an admission policy forbids
// that. A static port that client-side apply merged onto an adapter's number is such an
// item, and M can still drop it. What M named as the adapter, and we took back by row 2, is
// ours again. A name that we gave ourselves is ours to change, so a key that passes from one
// adapter to another is row 2.
//
// # What a list's description adds
//
// An item can have further fields, such as the targetPort, nodePort and appProtocol of a
// Service's port ([List.Fields]). An apply sets those that the desired item has, but for
// those that another manager owns:
//
//  1. Rows 1, 2, 4, 7 and 10 leave a field out that another manager owns. Where it has
//     another value than desired, the reason is FieldTaken.
//  2. Row 3 sends neither the name nor a further field: the item is to be what M made of
//     it. Rows 5 and 6 send nothing.
//
// Where every item needs a name once there are several ([List.Named]):
//
//  3. While a static item without a name is live, all desired items but that of its key are
//     Blocked (UnnamedPort). The server would refuse them, naming that item.
//  4. In row 5, our name stays on an item that M gave none, next to others: the server
//     would refuse to have it removed. It is Shadowed, or Retained once it is not desired.
//     An item that is to have the name under another key is Blocked by row 9.
//
// Where the list cannot be without items ([List.NotEmpty]):
//
//  5. If all items are ours and none is to stay, the first is Retained (LastPort) until
//     another manager declares one.
//
// Where the server allocates a number to each item ([List.Allocated]) and carries it over
// by the key, or else by the name:
//
//  6. An item that moves to the key of another item of ours waits until that has left it,
//     so that each keeps its number, and so does a new item: the plan has [Plan.Final].
//     Items that exchange their keys move at once, and the numbers stay with the keys.
//  7. A desired item that asks for a number which another item keeps is Blocked
//     (NodePortTaken).
//
// Row 11 does not occur in Services, where the server refuses two items with one key.
//
// # What holds for every plan
//
//   - Of two desired items with one key or one name the first wins and the other is
//     Blocked. An invalid item is Invalid and left out. In both cases an item of ours that
//     is live under the adapter's name stays as it is: a source that answers nonsense
//     removes nothing.
//   - Items that would give the list more than [List.Max] are Blocked; a surplus removes
//     none that is live.
//   - Live keys are applied in their live order, new ones after them in the order of their
//     keys. The order of an applied list wins on the server, so another order would be a
//     change, and a changed pod template restarts pods.
//   - What we own is what managedFields say and the object still has.
//
// # Where the rows come from
//
// Why an observation and not a cache of what was applied: ownership is in
// metadata.managedFields, which the server keeps, so a restart loses nothing;
// see https://kubernetes.io/docs/reference/using-api/server-side-apply/. Why a
// name can be in the way of a number (rows 9 and 10):
// https://github.com/kubernetes/kubernetes/issues/131147. Why two items can
// have one key (row 11):
// https://github.com/kubernetes/kubernetes/issues/113482.
package port
