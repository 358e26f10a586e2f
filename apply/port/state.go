package port

import "github.com/portside-dev/portside/fieldmanager"

// State is the state of an item after a decision.
type State string

// The states of an item.
const (
	// Owned: the item is declared as desired, by our manager alone.
	Owned State = "Owned"
	// Shared: it is declared as desired, by another manager as well.
	Shared State = "Shared"
	// Shadowed: its key is declared under another name, by another manager or by
	// none. Traffic gets there; the name is not ours.
	Shadowed State = "Shadowed"
	// Blocked: it cannot be declared as desired. The reason is what prevents that.
	Blocked State = "Blocked"
	// Invalid: the adapter makes no valid item. It is left out, and what is live
	// under its name stays.
	Invalid State = "Invalid"
	// Retained: the item is ours and not desired, and the server does not let it go.
	Retained State = "Retained"
	// Removed: the item was ours and is gone.
	Removed State = "Removed"
	// Released: the item was ours and stays. After a release that keeps the ports
	// its other owners own it, or no manager; else it belongs to the manager that
	// renamed it, whose port we do not delete.
	Released State = "Released"
)

// Applied reports whether our manager declares the item as desired.
func (s State) Applied() bool { return s == Owned || s == Shared }

// InPlace reports whether the object has an item with the desired key, whichever
// manager declares it.
func (s State) InPlace() bool { return s.Applied() || s == Shadowed }

// Status is the state of one item, with its cause.
type Status struct {
	State State
	// Reason is the cause of the state, empty for a plain Owned or Removed.
	Reason Reason
	// Blocker is the item in the way, where the reason is ReasonNameTaken,
	// ReasonDuplicateKey, ReasonRenamed, ReasonFieldTaken, ReasonNodePortTaken or
	// ReasonUnnamedPort.
	Blocker *Blocker
	// Owners are the managers that own the live item of this key, ours included.
	Owners []fieldmanager.Manager
	// Message explains every state but a plain Owned or Removed. It is the same as
	// long as nothing changes.
	Message string
}

// Blocker is the live item in the way of a Blocked one, and the managers that
// can change that.
type Blocker struct {
	Item Item
	// Managers are sorted. They are empty where no manager owns the item.
	Managers []fieldmanager.Manager
	// AdoptFrom are the names of the managers that the item can be adopted from, in
	// case they no longer write. They are those that own it by Updates, and none
	// where another manager applies it: that one's next apply would be refused.
	AdoptFrom []string
}
