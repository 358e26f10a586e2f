package port

import (
	"fmt"

	"github.com/portside-dev/portside/fieldmanager"
)

// Desired is what a list should have.
type Desired struct {
	// Items are the desired items. Of two with one key or one name the first wins.
	Items []DesiredItem
	// Blocked is why none of them may be declared now. It is nil where they may.
	Blocked *Cause
	// Refused are the API server's refusals of items that it was sent, by their
	// keys. They are not applied again.
	Refused map[fieldmanager.Key]Refusal
}

// Refusal is what the API server refused of an item.
type Refusal struct {
	// Fields are those of [List.Fields] that another manager owns: the item is applied
	// without them. Where there are none, the item is refused.
	Fields []string
	// Message is the cause.
	Message string
}

// DesiredItem is the item of an adapter.
type DesiredItem struct {
	Item
	// Type is the adapter's. Messages name the adapter by it.
	Type string
	// Invalid is why the adapter makes no valid item, which then has no key. It is
	// nil for a valid one.
	Invalid *Cause
}

// Cause is the reason of a state, and that in words.
type Cause struct {
	Reason  Reason
	Message string
}

// desired is a desired item and its state.
type desired struct {
	DesiredItem
	Status
	// settled reports that the state is decided. keep reports that the source is at
	// fault, so that what is live under the name stays.
	settled, keep bool
}

func (d *desired) settle(s State, reason Reason, message string) {
	d.State, d.Reason, d.Message, d.settled = s, reason, message, true
}

// settle settles the items that have a state whatever the list has: invalid ones, and
// those of which an item before has the key or the name.
func settle(items []DesiredItem) []*desired {
	all := make([]*desired, len(items))
	byKey, byName := map[fieldmanager.Key]string{}, map[string]string{}
	for i, item := range items {
		d := &desired{DesiredItem: item}
		all[i] = d
		if item.Invalid != nil {
			d.settle(Invalid, item.Invalid.Reason, item.Invalid.Message)
			d.keep = true
		} else if first, taken := byName[item.Name]; taken {
			d.settle(Blocked, ReasonDuplicateName, fmt.Sprintf("the adapter %q before it has the same port name", first))
		} else if first, taken := byKey[item.Key]; taken {
			d.settle(Blocked, ReasonDuplicatePort, fmt.Sprintf("the adapter %q before it has the same number and protocol", first))
			d.keep = true
		} else {
			byKey[item.Key], byName[item.Name] = item.Type, item.Type
		}
	}
	return all
}
