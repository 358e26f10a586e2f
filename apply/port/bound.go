package port

import (
	"fmt"
	"slices"
)

// bound blocks desired items beyond the list's maximum, the last ones first. Only items
// that the apply would add are blocked: a surplus removes none that is live, and an item
// with a new key takes the place of the old one.
func (t *table) bound() {
	if t.List.Max == 0 {
		return
	}
	surplus := t.count() - t.List.Max
	for _, d := range slices.Backward(t.desired) {
		if surplus <= 0 {
			return
		}
		if item, applied := t.apply[d.Key]; !applied || item.Name != d.Name || t.Find(d.Key) != nil || t.replaces(item.Name) {
			continue
		}
		delete(t.apply, d.Key)
		d.settle(Blocked, ReasonTooManyPorts, fmt.Sprintf("the %s would have more than %d adapter ports", t.List.Of, t.List.Max))
		surplus--
	}
}

// count returns how many adapter items the list has after the apply: those that the
// apply adds, and live ones that it keeps or that are not ours.
func (t *table) count() int {
	count := 0
	for key := range t.apply {
		if t.Find(key) == nil {
			count++
		}
	}
	for _, p := range t.Items {
		applied, stays := t.apply[p.Key]
		stays = stays || !p.Ours || len(p.Others) > 0
		if stays && !slices.Contains(t.takeOver, p) && (t.List.isAdapters(p.Name) || applied.Name != "") {
			count++
		}
	}
	return count
}

// replaces reports whether a live item of this name is given up by the apply.
func (t *table) replaces(name string) bool {
	p := t.FindName(name)
	return p != nil && (slices.Contains(t.takeOver, p) || t.givesUp(p))
}
