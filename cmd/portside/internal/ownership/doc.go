// Package ownership reports the owner of every field and list item of an object of any
// kind. [Of] follows the object from its root, next to what metadata.managedFields record,
// and returns a tree of nodes that the table, the annotated YAML and the page print. It is
// pure: no client, no I/O, no clock, and no schema.
//
// It knows these cases:
//
//  1. A field ([Scalar], or an empty list or map) has the owners of its own path.
//  2. A field with parts ([Map]) has an owner of its own only where a manager owns the
//     map itself: the one that wrote annotations first owns "annotations" as well as
//     the keys that it wrote. Its parts have their own owners.
//  3. An item of a [KeyedList] has owners of the item, which keep it in the list, and
//     managers that own only fields of it, which do not ([Node.Partial]).
//  4. The key fields of a keyed list are those of the keys in managedFields
//     (k:{"containerPort":…}), so that lists of custom resources are read as exactly as
//     those of built-in kinds. The position in the list never matters.
//  5. Two items may have one key, after an Update ([Node.Duplicate]). managedFields do
//     not tell them apart: both have the same owners.
//  6. An item of a [Set], such as a finalizer, is identified by its value.
//  7. An [AtomicList] or [AtomicMap] is owned as a whole: the owner of the whole is
//     the owner of each part ([Node.Inherited]).
//  8. A field or item may have no owner ([Node.Unowned]), after managedFields were
//     emptied or after the server dropped an entry. A [List] is one of which no manager
//     owns anything: managedFields do not say whether it has keys.
//  9. A manager may own a path that the object does not have ([Node.Missing]), after
//     admission changed the object, or where its entry is of another apiVersion.
//  10. The API server tracks no owners of the fields that identify the object or that it
//     sets itself ([Node.Untracked]), such as metadata.uid.
//
// A map that a manager owns, and of which no manager owns a part, is taken for atomic:
// managedFields alone do not tell it from a map all of whose parts lost their owners.
package ownership
