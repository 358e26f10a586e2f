package status_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

// unprintable is text of every kind that must not be stored as it is.
const unprintable = "a\nb\u009bc\u0085d\u2028e\x7ff\u202eg\ufeffh\xffi\x1bj\u00a0k\x00l"

// printed is how it is stored.
const printed = `a\nb\u009bc\u0085d\u2028e\x7ff\u202eg\ufeffh\xffi\x1bj\u00a0k\x00l`

// crowded are facts with so many active and as many inactive ports, whose texts are
// long, and hard to write as JSON.
func crowded(ports, length, owners int) status.Facts {
	text := func(i int) string {
		return fmt.Sprintf("%03d ", i) + strings.Repeat("<"+unprintable, length/len(unprintable)+1)[:length]
	}
	return facts(func(f *status.Facts) {
		f.FieldManager, f.Container = text(1), text(2)
		f.Discovery = &discovery.Condition{Reason: "Disagreeing", Message: text(3)}
		change := v1alpha1.PortsChange{Time: metav1.NewTime(now), Manager: "portside"}
		for i := range 13 {
			change.Ports = append(change.Ports, v1alpha1.ChangedPort{
				Container: strings.Repeat("c", 63), Name: fmt.Sprintf("adapter-%07d", i), Port: 65535, Protocol: "SCTP", Change: v1alpha1.PortRemoved,
			})
		}
		f.Changes = slices.Repeat([]v1alpha1.PortsChange{change}, 9)
		f.Ports = nil
		for i := range 2 * ports {
			p := apply.PortStatus{
				Type: text(i), Name: fmt.Sprintf("adapter-%03d", i), Port: int64(10000 + i), Protocol: "TCP",
				State: []port.State{port.Owned, port.Blocked, port.Invalid}[i%3], Message: text(i),
			}
			for j := range owners {
				p.Owners = append(p.Owners, fieldmanager.Updater(text(j)))
			}
			f.Ports = append(f.Ports, p)
			if i >= ports {
				f.Removals = append(f.Removals, rollout.Removal{Name: p.Name, Adapter: apply.Adapter{Type: p.Type}, Since: now})
			}
		}
	})
}

func TestStatusSize(t *testing.T) {
	t.Parallel()
	const most = apply.MaxAdapters
	for name, c := range map[string]struct {
		f       status.Facts
		ports   int
		changes bool // some are kept
	}{
		"short texts":                    {crowded(most, 10, 1), 2 * most, true},
		"types of 16 kB":                 {crowded(most, 16<<10, 2), 2 * most, false},
		"hundreds of owners":             {crowded(most, 100, 100), 2 * most, false},
		"one port with long texts":       {crowded(1, 1<<16, 100), 2, true},
		"more ports than a set can have": {crowded(300, 200, 3), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), c.f, now)
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > status.MaxSize {
				t.Errorf("it takes %d bytes", len(text))
			}
			if i := strings.IndexFunc(string(text), func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("it has %q", text[i:min(len(text), i+10)])
			}
			if len(s.Ports) != c.ports && c.ports > 0 || len(s.Ports) == 0 {
				t.Errorf("it has %d ports of %d", len(s.Ports), c.ports)
			}
			if changes := len(s.Changes); changes == 0 && c.changes {
				t.Error("no change is left")
			}
			if int(s.DesiredPorts) != len(c.f.Ports) {
				t.Errorf("%d ports are desired, not %d", s.DesiredPorts, len(c.f.Ports))
			}
			c.f.Changes = nil // they are recorded
			again := status.Of(set(1, s), c.f, now)
			if !status.Same(s, again) {
				t.Error("the same facts make another status")
			}
			c.f.Why, c.f.Ports = status.TargetNotFound, nil // its ports stay as they were
			kept := status.Of(set(1, s), c.f, now)
			if !status.Same(v1alpha1.AdapterSetStatus{Ports: kept.Ports}, v1alpha1.AdapterSetStatus{Ports: s.Ports}) {
				t.Error("ports that are kept are changed")
			}
		})
	}
}

func TestLongListOfOwners(t *testing.T) {
	t.Parallel()
	f := facts(func(f *status.Facts) {
		for i := range 20 {
			f.Ports[0].Owners = append(f.Ports[0].Owners, fieldmanager.Updater(fmt.Sprint("manager-", i)))
		}
	})
	p := status.Of(set(1, v1alpha1.AdapterSetStatus{}), f, now).Ports[0]
	if len(p.Owners) != 8 || p.Owners[0].Manager != "portside" || p.Message != "and 13 more owners" {
		t.Errorf("%d owners, %q", len(p.Owners), p.Message)
	}
}

func TestTextIsPrintable(t *testing.T) {
	t.Parallel()
	f := facts(func(f *status.Facts) {
		f.Failure, f.Contender, f.Contended = unprintable, rollout.Contender{Manager: unprintable, Certain: true}, true
		f.Lost = []string{"adapter-nfs"}
		f.Ports = []apply.PortStatus{{Type: unprintable, Name: "adapter-nfs", Port: 1, Protocol: unprintable, State: port.Shadowed, Message: unprintable}}
		f.Discovery = &discovery.Condition{Reason: "Malformed", Message: "日本 é: " + unprintable}
	})
	s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), f, now)
	if p := s.Ports[0]; p.Type != printed || p.Protocol != printed || p.Message != printed {
		t.Errorf("the port is %+v", p)
	}
	if c := s.Conditions[3]; c.Message != "日本 é: "+printed {
		t.Errorf("the message is %q", c.Message)
	}
	if c := s.Conditions[0]; c.Message != printed {
		t.Errorf("the failure is %q", c.Message)
	}
	events := status.Events(v1alpha1.AdapterSetStatus{}, s, f)
	if len(events) != 2 || slices.ContainsFunc(events, func(e status.Event) bool {
		return !strings.Contains(e.Note, printed) || strings.ContainsFunc(e.Note+e.Ports+e.Manager, func(r rune) bool { return !unicode.IsPrint(r) })
	}) {
		t.Errorf("the events are %+v", events)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"short enough": {strings.Repeat("é", 2048), strings.Repeat("é", 2048)},
		"one too many": {strings.Repeat("é", 2049), strings.Repeat("é", 2040) + "... (truncated)"},
		"escaped":      {strings.Repeat(`"`, 4096), strings.Repeat(`"`, 2040) + "... (truncated)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts(func(f *status.Facts) { f.Ports = []apply.PortStatus{portOf("adapter-nfs", 1, port.Blocked, c.text)} })
			s := status.Of(set(1, v1alpha1.AdapterSetStatus{}), f, now)
			if got := s.Ports[0].Message; got != c.want {
				t.Errorf("%q\nnot %q", got, c.want)
			}
			for _, e := range status.Events(v1alpha1.AdapterSetStatus{}, s, f) {
				if len(e.Note) > 1024 || !strings.HasSuffix(e.Note, "(truncated)") {
					t.Errorf("the note has %d bytes: %s", len(e.Note), e.Note)
				}
			}
		})
	}
}
