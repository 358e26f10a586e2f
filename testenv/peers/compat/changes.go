package compat

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// change is a commit after the first one.
type change struct {
	name   string
	commit Commit
}

// changes returns changes of the owner's fields while our ports 12049 and 1445
// exist.
func changes() []change {
	first := First()
	api, metrics := first.Ports[0], first.Ports[1]
	omitted := first.With()
	omitted.OmitPorts = true
	newImage := first
	newImage.Image = "dittofs:v2"
	return []change{
		{"image", newImage},
		{"add", first.And(Port{Name: "web", Number: 8443})},
		{"renumber", first.With(Port{Name: "api", Number: 8081}, metrics)},
		{"rename", first.With(Port{Name: "rest", Number: 8080}, metrics)},
		{"drop", first.With(api)},
		{"drop all", first.With()},
		{"omit ports", omitted},
		{"reorder", first.With(metrics, api)},
		{"take an adapter's number", first.And(Port{Name: "nfs", Number: 12049})},
		{"take an adapter's number with another protocol", first.And(Port{Name: "nfs-udp", Number: 12049, Protocol: "UDP"})},
	}
}

// Changes makes each change as the owner, and answers which ones the tool could not
// make.
func (m Mode) Changes(t testing.TB, answers *Answers) {
	var not refusals
	for _, change := range changes() {
		not.add(change.name, m.change(NewSite(t, testenv.Shared(t)), change))
	}
	not.add("rename the container", m.renameContainer(NewSite(t, testenv.Shared(t))))
	answers.OwnerCanChange = not.String()
}

// refusals are the changes that could not be made, by reason.
type refusals struct {
	made    []string // changes that could be made
	reasons []string
	names   map[string][]string
}

func (r *refusals) add(name, why string) {
	if why == "" {
		r.made = append(r.made, name)
		return
	}
	if !slices.Contains(r.reasons, why) {
		r.reasons = append(r.reasons, why)
	}
	if r.names == nil {
		r.names = map[string][]string{}
	}
	r.names[why] = append(r.names[why], name)
}

// String lists the changes that could not be made by reason, or those that could if
// they are few.
func (r *refusals) String() string {
	var parts []string
	for _, why := range r.reasons {
		parts = append(parts, strings.Join(r.names[why], ", ")+" ("+why+")")
	}
	switch not := strings.Join(parts, "; "); {
	case not == "":
		return "all"
	case len(r.made) == 0:
		return "none: " + not
	case len(r.made) < len(changes())/2:
		return "only: " + strings.Join(r.made, ", ") + " (not: " + not + ")"
	default:
		return "all but: " + not
	}
}

// change makes a change and returns why it could not be made, or "". Adapter ports
// that the change does not take must stay, and a reconciliation must keep Git's
// fields.
func (m Mode) change(s *Site, c change) string {
	nfs, smb := Adapter("nfs", 12049), Adapter("smb", 1445)
	m.sync(s, First())
	s.Reconcile(nfs, smb)
	before := s.Live()
	if err := m.Sync(s, c.commit); err != nil {
		if after := s.Live(); after.GetResourceVersion() != before.GetResourceVersion() {
			s.Errorf("%s was refused (%v), but changed the workload", c.name, err)
		}
		return refusal(err)
	}
	for range 2 {
		if got, kept := Adapters(s.Live()), c.keeps(Adapters(before)); !slices.Equal(got, kept) {
			return "remaining adapter ports: " + cmp.Or(strings.Join(got, ", "), "none")
		}
		s.Reconcile(nfs, smb)
		if problem := c.problem(s.Live()); problem != "" {
			return problem
		}
		m.sync(s, c.commit)
	}
	s.Reconcile(smb)
	if problem := c.problem(s.Live()); problem != "" {
		return "with the adapter inactive, " + problem
	}
	return ""
}

// keeps returns the adapter ports whose key the change does not take.
func (c change) keeps(adapters []string) []string {
	return slices.DeleteFunc(slices.Clone(adapters), func(port string) bool {
		return c.commit.declares(port[strings.Index(port, ":")+1:])
	})
}

// problem returns how the static ports or the image differ from the commit.
func (c change) problem(live *unstructured.Unstructured) string {
	if got := Statics(live); !slices.Equal(got, c.commit.lines()) {
		return "the static ports are " + strings.Join(got, " ")
	}
	if got := image(live); got != c.commit.Image {
		return "the image is " + got
	}
	return ""
}

// renameContainer renames the container that our ports are in. If that is refused,
// it must work once portside has released its ports.
func (m Mode) renameContainer(s *Site) string {
	m.sync(s, First())
	s.Reconcile(Adapter("nfs", 12049))
	renamed := First()
	renamed.Container = "server"
	err := m.Sync(s, renamed)
	if err == nil {
		s.expectOnly(renamed)
		return ""
	}
	s.Release()
	m.sync(s, renamed)
	s.expectOnly(renamed)
	return refusal(err) + "; works after portside release"
}

// expectOnly fails the test unless the commit's container is the only one and gets
// our ports.
func (s *Site) expectOnly(c Commit) {
	s.Helper()
	s.Reconcile(Adapter("nfs", 12049))
	live := s.Live()
	if got := testenv.Containers(live); !slices.Equal(got, []string{c.container()}) {
		s.Errorf("the containers are %q", got)
	}
	if got := Adapters(live); !slices.Equal(got, []string{"adapter-nfs:12049/TCP"}) {
		s.Errorf("adapter ports %q after the container was renamed", got)
	}
}
