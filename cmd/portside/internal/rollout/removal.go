package rollout

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Removal is a port of ours whose adapter is inactive, and which stays until
// the delay has passed.
type Removal struct {
	Adapter apply.Adapter
	Name    string
	// Since is from when the delay counts. It is zero while nothing counts.
	Since time.Time
	// At is when the port is to be removed, in whole seconds. It is zero while
	// nothing counts.
	At time.Time
	// Due tells that the delay has passed: the port is wanted no more.
	Due bool
}

// Removals remember how long adapters have been inactive. The zero value is that
// of a process that has just started: it takes up what status tells, once.
type Removals struct {
	begun  bool
	byName map[string]inactive
}

// inactive is how long an adapter has been so: counted before the clock last
// stopped, and since it goes again. While it stands still since is zero.
type inactive struct {
	counted time.Duration
	since   time.Time
}

// Known is what there is to know of a target's adapters and ports.
type Known struct {
	Now time.Time
	// Active are the active adapters. They are known: where no source has
	// answered yet there is nothing to decide.
	Active []apply.Adapter
	// Own are the live ports that we own, in order.
	Own []corev1.ContainerPort
	// Told is status.ports as last stored.
	Told []v1alpha1.PortStatus
	// Poll is the source's latest answer, from which Active follows.
	Poll Poll
	// UnderWay tells that a rollout is.
	UnderWay bool
	// Delay is how long an adapter has to be inactive.
	Delay time.Duration
}

// stopped reports whether no removal delay advances: a restart makes every
// adapter look stopped, and a poll that was not complete does not tell which
// adapters are.
func (k Known) stopped() bool { return k.UnderWay || !k.Poll.Complete }

// Stop stops the clock of every removal until the next Keep. It is for a target
// whose source has not answered: how long that has been so is not known to a
// process that has just started, so nothing of the time before it counts.
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

// Keep tells what to want: the active adapters and then those that are kept for
// a while. Those are also told as removals, as are those that are due. Next is
// when the first of them will be, zero if none will. A port that somebody gave a
// name that is none of ours is not kept: it is not removed either, but theirs.
func (r *Removals) Keep(k Known) (want []apply.Adapter, waiting []Removal, next time.Time) {
	want = slices.Clone(k.Active)
	before := r.byName
	r.byName = nil
	defer func() { r.begun = true }()
	for _, port := range k.Own {
		if taken(k.Active, port) || !isOurs(port) {
			continue
		}
		removal := Removal{Adapter: adapterOf(port, k.Told), Name: port.Name}
		was := r.lookUp(before, removal.Name, k)
		if r.byName == nil {
			r.byName = map[string]inactive{}
		}
		r.byName[removal.Name] = was
		due := was.since.Add(k.Delay - was.counted)
		if !was.since.IsZero() {
			removal.Since = was.since.Add(-was.counted)
			removal.At, removal.Due = ceilSecond(due), !k.Now.Before(due)
			if !removal.Due && (next.IsZero() || due.Before(next)) {
				next = due
			}
		}
		waiting = append(waiting, removal)
		if !removal.Due {
			want = append(want, removal.Adapter)
		}
	}
	return want, waiting, next
}

// lookUp returns how long an adapter has been inactive by now: as remembered,
// else as status has it, else from now on.
func (r *Removals) lookUp(before map[string]inactive, name string, k Known) inactive {
	was := before[name]
	// When a rollout began that is under way now cannot be told, so nothing of
	// the time before it counts.
	if !r.begun && !k.stopped() {
		was.since = toldSince(k.Told, name)
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

// ceilSecond is a time that status can keep. It is never earlier, so that
// keeping it never makes a delay shorter.
func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// taken reports whether an active adapter has the port's name or its number.
func taken(active []apply.Adapter, port corev1.ContainerPort) bool {
	return slices.ContainsFunc(active, func(a apply.Adapter) bool {
		return apply.PortName(a.Type) == port.Name || hasNumber(a, port)
	})
}

// hasNumber reports whether an adapter has the port's number and protocol.
func hasNumber(a apply.Adapter, port corev1.ContainerPort) bool {
	a = a.Normal()
	return a.Port == int64(port.ContainerPort) && a.Protocol == string(port.Protocol)
}

// isOurs reports whether a port that we own has the name of an adapter's port.
func isOurs(p corev1.ContainerPort) bool { return strings.HasPrefix(p.Name, port.NamePrefix) }

// adapterOf is the adapter that a port of ours was for, as status tells it.
// Where it does not, the port's own name makes one that has that name.
func adapterOf(p corev1.ContainerPort, told []v1alpha1.PortStatus) apply.Adapter {
	typ := strings.TrimPrefix(p.Name, port.NamePrefix)
	for _, t := range told {
		if t.Name == p.Name && apply.PortName(t.Type) == p.Name {
			typ = t.Type
		}
	}
	return apply.Adapter{Type: typ, Port: int64(p.ContainerPort), Protocol: string(p.Protocol)}
}

func toldSince(told []v1alpha1.PortStatus, name string) time.Time {
	for _, t := range told {
		if t.Name == name && t.InactiveSince != nil {
			return t.InactiveSince.Time
		}
	}
	return time.Time{}
}

// InactiveSince is the removal's start as status has it, nil while it does not
// count.
func (r Removal) InactiveSince() *metav1.Time {
	if r.Since.IsZero() {
		return nil
	}
	return &metav1.Time{Time: ceilSecond(r.Since)}
}
