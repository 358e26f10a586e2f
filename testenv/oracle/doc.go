// Package oracle states what the contract requires of a reconcile, for tests of portside.
//
// It is a second implementation of the contract, written from the table of the design and
// from what the API server does. It imports nothing of portside's own code: tests compare
// both, so a mistake must be made twice to go unseen. It is pure: it takes an object as it
// is stored and returns what one complete reconcile makes of its ports.
//
//	contract := oracle.Contract{Manager: "portside"}
//	before, err := contract.Read(object, "dittofs")
//	expected := contract.Expect(before, desired)
//	// … a reconcile, during which no other manager writes …
//	after, err := contract.Read(object, "dittofs")
//	err = expected.Check(after)
//
// After a quiet period no earlier observation is needed: a reconcile of what is live then
// must change nothing, so Expect(live, desired).Check(live) reports no error.
//
// # The cases
//
// For each desired port the first case that fits decides. M is any manager but ours, also
// one that writes by Updates. Numbers are those of the contract:
//
//	 1  the key is not live, our name is free            Owned
//	 2  we own the key alone, the name is ours or free   Owned
//	 3  we own the key alone, M gave it another name     Blocked; the item stays, without a name of ours
//	 4  M owns the key and our name on it                Shared
//	 5  M and we own the key, otherwise                  Shadowed; we give the item up
//	 6  M owns the key alone, otherwise                  Shadowed
//	 7  no manager owns the key, the name is ours        Owned
//	 8  no manager owns the key, otherwise               Shadowed
//	 9  our name is live on a key that is not ours alone Blocked; we give that key up
//	10  the same, and no manager owns that key or name   Owned; the other item is removed
//	11  two items have the key                           Blocked
//
// What is not of the table, but of the contract:
//
//	20  of two desired ports with one key or name the first wins
//	21  an invalid port is left out; what is live under its name stays
//	22  where ports are not allowed (hostNetwork), all are Blocked
//	23  an item of ours that M renamed is not deleted: M has it, or no manager
//	24  a Service with a static port without a name takes no port of ours
//	25  a Service that needs a port keeps our last one (Retained)
//	26  a name that a Service needs for M's item stays (Retained)
//	27  a field that another manager owns is left out
//	28  a nodePort that another port has is not asked for
//	29  an empty list that M owns takes no port (fact 18)
//	30  where all managedFields were emptied, before-first-apply owns what is live (fact 14)
//	31  a field manager that owns other fields writes nothing
//	32  a paused object is not written
//
// A change that would cost an item of a Service its node port takes two requests.
package oracle
