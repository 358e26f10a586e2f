// Package fieldmanager reports which field manager owns what in a Kubernetes object: it
// turns metadata.managedFields into facts about the items of any list that the API
// server keys by fields, such as a container's ports (containerPort and
// protocol), its env vars (name), or a status' conditions (type). It is for
// authors of controllers that share an object with other owners through
// server-side apply. It is pure: no client, no I/O, no clock.
//
// It knows these cases, named as in
// https://kubernetes.io/docs/reference/using-api/server-side-apply/:
//
//  1. An item has an owner when a manager's set holds the item itself, written
//     as "." or as an empty object. Several managers may own one item; it is removed
//     when the last of them stops applying it.
//  2. A manager may own a leaf below an item (f:name, f:hostPort) and not the
//     item. That does not keep the item: it is removed when its owners give it up.
//  3. An item may be in the object without an owner, after managedFields
//     were emptied or after the server dropped an entry whose apiVersion it no
//     longer converts.
//  4. A manager's set may still hold an item, or the key of a list item above
//     it, that the object no longer has. Such an entry does not describe the
//     object; read both.
//  5. One name can stand for two managers: Apply and Update entries of the
//     same name, or of different subresources, are different managers everywhere.
//
// Reading: [Decode] decodes the entries, [Entries.In] narrows them to one list,
// and [ListOwners.Of] returns the owners of an item and of each leaf of it. A [Key]
// identifies an item; one that lacks a key field of the list is an error.
// [Entries.Root] descends through an object of any kind, without its schema.
//
// Claims: [List.Claim] is the set of fields that an applier of some items comes to own,
// and no more; [Entry.Keys] are the items that an entry owns, and [Entry.Outside] what it
// owns apart from some lists.
//
// Refusals: [Conflicts] reads the conflicts in an API error.
//
// Changing owners: [Transfer] moves single list items from one manager's entry to
// another's and leaves every other path where it was; [Patch] makes it a JSON
// patch that only the object it was made from accepts.
package fieldmanager
