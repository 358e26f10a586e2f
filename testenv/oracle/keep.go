package oracle

import (
	"maps"
	"slices"
)

// keepInvalid keeps what is live under the name of an invalid port, or of one whose key
// another desired port has (case 21).
func (d *decision) keepInvalid() {
	for i, p := range d.desired {
		live := d.named(p.Name)
		sourceFails := d.states[i].State == Invalid || d.states[i].Case == 28 || d.states[i].Case == 20 && !d.hasBefore(i, func(q Port) bool { return q.Name == p.Name })
		if !sourceFails || d.NotAllowed || live == nil || !d.ours(live) || live.Duplicate {
			continue
		}
		desired := slices.ContainsFunc(d.desired, func(q Port) bool { return !q.Invalid && q.Key == live.Key })
		applied := slices.ContainsFunc(slices.Collect(maps.Values(d.apply)), func(q Port) bool { return q.Name == p.Name })
		declared := slices.ContainsFunc(others(live.Owners, d.us), func(m string) bool { return slices.Contains(live.Leaves[Name], m) })
		if !desired && !applied && (d.alone(live) || declared) {
			d.apply[live.Key] = Port{Key: live.Key, Name: live.Name, Fields: d.ownFields(live)}
		}
	}
}

// retain keeps what the server needs of a Service: cases 25 and 26.
func (d *decision) retain() {
	if !d.Service {
		return
	}
	for _, i := range d.Items {
		if _, applied := d.apply[i.Key]; d.namedForOwner(i) && !applied && len(d.Items) > 1 {
			d.apply[i.Key] = Port{Key: i.Key, Name: i.Name}
			d.retained[i.Key] = 26
		}
	}
	if !d.NeedsPort || len(d.apply) > 0 || len(d.Items) == 0 || d.find(func(i *Item) bool { return !d.alone(i) || d.renamed(i) }) != nil {
		return
	}
	d.apply[d.Items[0].Key] = d.asOwned(d.Items[0])
	d.retained[d.Items[0].Key] = 25
}

// asOwned returns an item with what we own of it, and the name of an adapter where no manager
// owns that.
func (d *decision) asOwned(i *Item) Port {
	p := Port{Key: i.Key, Fields: d.ownFields(i)}
	if (slices.Contains(i.Leaves[Name], d.us) || len(d.namers(i)) == 0) && isAdapterName(i.Name) {
		p.Name = i.Name
	}
	return p
}

func (d *decision) ownFields(i *Item) map[string]string {
	own := map[string]string{}
	for field, value := range i.Fields {
		if slices.Contains(i.Leaves[field], d.us) {
			own[field] = value
		}
	}
	return own
}
