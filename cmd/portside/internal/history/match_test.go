package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// made is a revision at a second, -1 where that is not known, with ports that
// are given by their names.
type made struct {
	number int64
	second int
	ports  string
}

// at is a record at a second of ports that are given as "+a -b".
type at struct {
	second int
	ports  string
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const unknown = -1
	for name, c := range map[string]struct {
		revisions []made
		records   []at
		want      string // the revisions that are explained, each with its number of records
	}{
		"one change":                    {[]made{{1, 0, ""}, {2, 10, "a"}}, []at{{10, "+a"}}, "2:1"},
		"a slow controller":             {[]made{{1, 0, ""}, {2, 90, "a"}}, []at{{10, "+a"}}, "2:1"},
		"no record":                     {[]made{{1, 0, ""}, {2, 10, "a"}}, nil, ""},
		"another change":                {[]made{{1, 0, ""}, {2, 10, "a"}}, []at{{10, "+b"}}, ""},
		"a clock that is ahead":         {[]made{{1, 0, ""}, {2, 10, "a"}}, []at{{12, "+a"}}, "2:1"},
		"a clock that is far ahead":     {[]made{{1, 0, ""}, {2, 10, "a"}}, []at{{13, "+a"}}, ""},
		"ahead, or of a later revision": {[]made{{1, 0, ""}, {2, 10, "a"}, {3, 11, ""}, {4, 12, "a"}}, []at{{12, "+a"}}, "4:1"},
		"ahead, while others follow at once": {
			[]made{{2, 1, "a x"}, {3, 2, "x"}, {4, 2, "x b"}, {5, 3, "b"}, {6, 3, "c"}},
			[]at{{1, "+a"}, {3, "-a"}, {3, "+b"}, {3, "-b +c"}}, "3:1 4:1 6:1",
		},
		"another's, and ours at an unknown time": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}}, []at{{11, "+a"}}, "4:1",
		},
		"the next revision undid it":             {[]made{{1, 0, ""}, {2, 10, "b"}, {3, 20, "a b"}}, []at{{5, "+a"}}, ""},
		"several in one second":                  {[]made{{1, 0, ""}, {2, 10, "a"}, {3, 10, "a b"}}, []at{{10, "+a"}, {10, "+b"}}, "2:1 3:1"},
		"in the second of another's":             {[]made{{1, 0, ""}, {2, 10, "x"}, {3, 11, "x a"}}, []at{{10, "+a"}}, "3:1"},
		"several in one revision":                {[]made{{1, 0, ""}, {2, 10, "a b"}}, []at{{9, "+a"}, {10, "+b"}}, "2:2"},
		"one that was undone in between":         {[]made{{1, 0, ""}, {2, 10, "a"}}, []at{{8, "+a"}, {9, "-a"}, {10, "+a"}}, "2:3"},
		"next to another manager's static port":  {[]made{{1, 0, "web"}, {2, 10, "adapter-a"}}, []at{{10, "+adapter-a"}}, "2:1"},
		"next to another manager's adapter port": {[]made{{1, 0, "adapter-b"}, {2, 10, "adapter-a"}}, []at{{10, "+adapter-a"}}, ""},
		"of the first revision":                  {[]made{{2, 10, "a"}, {3, 20, ""}}, []at{{10, "+a"}, {20, "-a"}}, "3:1"},
		"of a revision that is not kept":         {[]made{{1, 0, ""}, {3, 20, "b"}}, []at{{10, "+a"}, {20, "-a +b"}}, "3:2"},
		"one of several that are not kept":       {[]made{{1, 0, ""}, {4, 20, "b"}}, []at{{20, "-a +b"}}, ""},
		"the rollback of a rollback":             {[]made{{1, 0, ""}, {2, 10, "a"}, {3, 20, ""}, {4, 30, "a"}}, []at{{10, "+a"}}, "2:1"},
		"a rollback at an unknown time": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}}, []at{{10, "+a"}}, "2:1",
		},
		"put back after a rollback at an unknown time": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}}, []at{{10, "+a"}, {20, "+a"}}, "2:1 4:1",
		},
		"off and on at unknown times": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}, {5, unknown, ""}},
			[]at{{10, "+a"}, {20, "-a"}, {30, "+a"}, {40, "-a"}}, "2:1 3:1 4:1 5:1",
		},
		"two revisions that one record may be of": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}, {5, unknown, ""}}, []at{{10, "+a"}, {20, "-a"}}, "2:1",
		},
		"a record of no revision at an unknown time": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}}, []at{{10, "+a"}, {20, "+b"}, {30, "+a"}}, "2:1",
		},
		"after unknown times": {
			[]made{{1, 0, ""}, {2, 10, "a"}, {3, unknown, ""}, {4, unknown, "a"}, {5, 50, "a b"}}, []at{{10, "+a"}, {30, "+a"}, {50, "+b"}}, "2:1 4:1 5:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &History{workload: &workload.Workload{}}
			for _, r := range c.revisions {
				h.revisions = append(h.revisions, r.revision())
			}
			h.workload.Containers = h.revisions[len(h.revisions)-1].Containers
			var records []record
			for _, r := range c.records {
				records = append(records, r.record())
			}
			steps := h.steps()
			match(steps, records)
			var got []string
			for _, s := range steps {
				if len(s.records) > 0 {
					got = append(got, fmt.Sprintf("%d:%d", s.after.Number, len(s.records)))
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("explained are %q, not %q", got, c.want)
			}
		})
	}
}

// TestMatch/next_to_another_manager's_static_port checks which manager made which part.
func TestPartOfAChange(t *testing.T) {
	t.Parallel()
	h := &History{workload: &workload.Workload{}, records: []record{at{10, "+adapter-a"}.record()}}
	for _, r := range []made{{1, 0, "web"}, {2, 10, "adapter-a"}} {
		h.revisions = append(h.revisions, r.revision())
	}
	h.workload.Containers = h.revisions[1].Containers
	c := h.Changes()[1]
	if by := c.By(); by != "portside and others" || c.Certain || c.Because != "recorded in a test; another manager changed the other ports" {
		t.Errorf("%q: %+v", by, c)
	}
}

// TestPending: the live template, of which there is no revision yet.
func TestPending(t *testing.T) {
	t.Parallel()
	h := &History{workload: &workload.Workload{Containers: made{0, 0, "a"}.revision().Containers}, records: []record{at{10, "+a"}.record()}}
	h.revisions = []workload.Revision{made{1, 0, ""}.revision()}
	changes := h.Changes()
	if c := changes[len(changes)-1]; c.Name != "" || c.Revision != 0 || c.By() != "portside" || !c.Certain || c.Time.Unix() != 10 {
		t.Errorf("%+v", c)
	}
}

// TestTimeline: a revision that changed no port is in the timeline alone.
func TestTimeline(t *testing.T) {
	t.Parallel()
	h := &History{workload: &workload.Workload{}, records: []record{at{30, "+a"}.record()}}
	for _, r := range []made{{1, 0, ""}, {2, 20, ""}, {3, 30, "a"}} {
		h.revisions = append(h.revisions, r.revision())
	}
	h.workload.Containers = h.revisions[2].Containers
	if n := len(h.Changes()); n != 2 {
		t.Errorf("%d changes of ports", n)
	}
	all := h.Timeline()
	if len(all) != 3 {
		t.Fatalf("%d revisions: %+v", len(all), all)
	}
	if c := all[1]; c.Revision != 2 || len(c.Containers) > 0 || c.By() != "<unknown>" || c.Because != "managedFields do not show this change" {
		t.Errorf("revision 2: %+v", c)
	}
	if c := all[2]; c.Revision != 3 || c.By() != "portside" {
		t.Errorf("revision 3: %+v", c)
	}
}

func (m made) revision() workload.Revision {
	var ports []corev1.ContainerPort
	for name := range strings.FieldsSeq(m.ports) {
		ports = append(ports, portNamed(name))
	}
	r := workload.Revision{Name: fmt.Sprint("r", m.number), Number: m.number, Containers: []workload.Container{{Name: "c", Ports: ports}}}
	if m.second >= 0 {
		r.Numbered = time.Unix(int64(m.second), 0)
		r.Created = r.Numbered
	}
	return r
}

func portNamed(name string) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: int32(slices.Max([]byte(name))), Protocol: corev1.ProtocolTCP}
}

func (a at) record() record {
	r := record{PortsChange: v1alpha1.PortsChange{Time: metav1.Unix(int64(a.second), 0), Manager: "portside"}, in: "a test"}
	for change := range strings.FieldsSeq(a.ports) {
		p := portNamed(change[1:])
		edit := v1alpha1.PortAdded
		if change[0] == '-' {
			edit = v1alpha1.PortRemoved
		}
		r.Ports = append(r.Ports, v1alpha1.ChangedPort{Container: "c", Name: p.Name, Port: p.ContainerPort, Protocol: "TCP", Change: edit})
	}
	return r
}
