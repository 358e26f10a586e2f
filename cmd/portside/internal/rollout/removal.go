package rollout

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Removal is the removal of a port of ours whose adapter is inactive. The port is
// retained until the removal delay has passed.
type Removal struct {
	Adapter apply.Adapter
	Name    string
	// Since is when the delay began, less the time in which it did not advance. It is
	// zero while the delay does not advance.
	Since time.Time
	// At is when the port is to be removed, in whole seconds. It is zero while the
	// delay does not advance.
	At time.Time
	// Due reports that the delay has passed: the port is no longer desired.
	Due bool
}

// Removals remember how long adapters have been inactive. The zero value is that of a
// process that has just started: it continues from status, once.
type Removals struct {
	begun  bool
	byName map[string]inactive
}

// inactive is how long an adapter has been inactive: counted before the delay last
// stopped, and since it advances again. While it does not advance since is zero.
type inactive struct {
	counted time.Duration
	since   time.Time
}

// Known is what is known of a workload's adapters and ports.
type Known struct {
	Now time.Time
	// Active are the active adapters.
	Active []apply.Adapter
	// Own are the live ports that we own, in order.
	Own []port.Port
	// Status is status.ports as last stored.
	Status []v1alpha1.PortStatus
	// Poll is the source's latest answer, which Active comes from.
	Poll Poll
	// UnderWay reports that a rollout is under way.
	UnderWay bool
	// Policy is when ports are removed.
	Policy Policy
}

// stopped reports whether no removal delay advances: a restart makes every adapter
// look stopped, and a poll that was not complete does not show which adapters are.
func (k Known) stopped() bool { return k.UnderWay || !k.Poll.Complete }

// Stop stops every removal delay until the next Keep. It is for a workload whose source
// has not answered: a process that has just started does not know how long that has been
// so, and no time before it counts.
func (r *Removals) Stop(now time.Time) {
	r.begun = true
	for name, was := range r.byName {
		r.byName[name] = was.stop(now)
	}
}

func (i inactive) stop(now time.Time) inactive {
	if !i.since.IsZero() {
		i.counted += max(0, now.Sub(i.since))
	}
	return inactive{counted: i.counted}
}

// Keep returns the removals of the ports of ours whose adapters are inactive, in the
// order of the ports, and when the first of them will be due, zero if none will. A port
// that another manager gave a name that is not an adapter's is not among them: it is
// not removed, and that manager's.
func (r *Removals) Keep(k Known) (removals []Removal, next time.Time) {
	before := r.byName
	r.byName = nil
	defer func() { r.begun = true }()
	for _, p := range k.Own {
		if taken(k.Active, p) || !isOurs(p) {
			continue
		}
		removal := Removal{Adapter: adapterOf(p, k.Status), Name: p.Name}
		was := r.lookUp(before, removal.Name, k)
		if r.byName == nil {
			r.byName = map[string]inactive{}
		}
		r.byName[removal.Name] = was
		if due := k.Policy.due(was); !due.IsZero() {
			removal.Since = was.since.Add(-was.counted)
			removal.At, removal.Due = ceilSecond(due), !k.Now.Before(due)
			if !removal.Due && (next.IsZero() || due.Before(next)) {
				next = due
			}
		}
		removals = append(removals, removal)
	}
	return removals, next
}

// InPlace returns the adapters of the ports that we own, in their order.
func InPlace(own []port.Port, status []v1alpha1.PortStatus) []apply.Adapter {
	adapters := []apply.Adapter{}
	for _, p := range own {
		if isOurs(p) {
			adapters = append(adapters, adapterOf(p, status))
		}
	}
	return adapters
}

// lookUp returns how long an adapter has been inactive by now: as remembered, else as
// status has it, else from now on.
func (r *Removals) lookUp(before map[string]inactive, name string, k Known) inactive {
	was := before[name]
	// When a rollout under way began is not known, so no time before it counts.
	if !r.begun && !k.stopped() {
		was.since = inactiveSince(k.Status, name)
		if was.since.After(k.Now) { // another clock wrote it
			was.since = k.Now
		}
	}
	switch {
	case k.stopped():
		return was.stop(k.Now)
	case was.since.IsZero():
		was.since = k.Now
	}
	return was
}

// ceilSecond returns a time that status can store. It is never earlier, so that storing
// it never makes a delay shorter.
func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// taken reports whether an active adapter has the port's name or its number.
func taken(active []apply.Adapter, p port.Port) bool {
	return slices.ContainsFunc(active, func(a apply.Adapter) bool {
		return apply.PortName(a.Type) == p.Name || hasNumber(a, p)
	})
}

// hasNumber reports whether an adapter has the port's number and protocol.
func hasNumber(a apply.Adapter, p port.Port) bool {
	a = a.Normal()
	return a.Port == int64(p.Number) && a.Protocol == string(p.Protocol)
}

// isOurs reports whether a port that we own has the name of an adapter's port.
func isOurs(p port.Port) bool { return strings.HasPrefix(p.Name, port.NamePrefix) }

// adapterOf returns the adapter that a port of ours was for, as status has it. Where
// status does not have it, the adapter gets a type that makes the port's name.
func adapterOf(p port.Port, status []v1alpha1.PortStatus) apply.Adapter {
	typ := strings.TrimPrefix(p.Name, port.NamePrefix)
	for _, s := range status {
		if s.Name == p.Name && apply.PortName(s.Type) == p.Name {
			typ = s.Type
		}
	}
	return apply.Adapter{Type: typ, Port: int64(p.Number), Protocol: string(p.Protocol)}
}

func inactiveSince(status []v1alpha1.PortStatus, name string) time.Time {
	for _, s := range status {
		if s.Name == name && s.InactiveSince != nil {
			return s.InactiveSince.Time
		}
	}
	return time.Time{}
}

// Time returns when the port is to be removed, as text.
func (r Removal) Time() string { return r.At.UTC().Format(time.RFC3339) }

// InactiveSince returns when the delay began as status has it, nil while it does not
// advance.
func (r Removal) InactiveSince() *metav1.Time {
	if r.Since.IsZero() {
		return nil
	}
	return &metav1.Time{Time: ceilSecond(r.Since)}
}
