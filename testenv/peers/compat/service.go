package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// ServiceKind is the kind of a commit that has a Service instead of a workload.
const ServiceKind = "Service"

// serviceManifest returns the Service as YAML. Its type has node ports.
func (c Commit) serviceManifest() string {
	ports := make([]string, 0, len(c.Ports))
	for _, p := range c.Ports {
		ports = append(ports, fmt.Sprintf("{name: %s, port: %d, protocol: %s, targetPort: %[2]d}", p.Name, p.Number, p.protocol()))
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata:
  name: %s
  labels: {app: dittofs}
spec:
  type: NodePort
  selector: {app: dittofs}
  ports: [%s]
`, Name, strings.Join(ports, ", "))
}

// ServiceAnswers are what a tool does to a Service in which portside has ports.
type ServiceAnswers struct {
	InSync, SyncChangesPorts, OwnerCanChange string
}

// ServiceServerSide returns the answers of a tool with server-side apply that forces: it
// takes an adapter's port only where Git has the same number and protocol.
func ServiceServerSide() ServiceAnswers {
	return ServiceAnswers{InSync: "yes", SyncChangesPorts: "no", OwnerCanChange: "all"}
}

// ServiceByMerge returns the answers of a tool that merges ports by number alone: it takes
// an adapter's port also for another protocol.
func ServiceByMerge() ServiceAnswers {
	return ServiceServerSide().Changed(AllBut("take an adapter's number with another protocol (removes adapter-nfs)"))
}

// ServiceReplaced returns the answers of a tool that puts the whole Service.
func ServiceReplaced() ServiceAnswers {
	const nfs, smb = "removes adapter-nfs", "removes adapter-smb"
	return ServiceAnswers{
		InSync: "yes", SyncChangesPorts: nfs + ", " + smb,
		OwnerCanChange: "none: add, renumber, rename, drop, reorder, take an adapter's number with another protocol (" + nfs + ", " + smb + "); " +
			"take an adapter's number (" + smb + ")",
	}
}

// NotCompared returns the answers of a tool without a comparison.
func (a ServiceAnswers) NotCompared() ServiceAnswers {
	a.InSync = notCompared
	return a
}

// Changed returns the answers with other changes that the owner can make.
func (a ServiceAnswers) Changed(can string) ServiceAnswers {
	a.OwnerCanChange = can
	return a
}

// CheckService has the tool sync a Service in which portside has two ports, compares what
// happens with the expected answers, and writes the row, which says what to set or do.
func (m Mode) CheckService(t *testing.T, want ServiceAnswers, set string) {
	t.Helper()
	first := First()
	first.Kind = ServiceKind
	api, metrics := first.Ports[0], first.Ports[1]

	s := m.newService(t, first)
	before := s.servicePorts()
	got := ServiceAnswers{InSync: m.compare(s, first), SyncChangesPorts: "no"}
	for range 3 {
		m.sync(s, first)
		if now := s.servicePorts(); !maps.Equal(now, before) {
			got.SyncChangesPorts = difference(before, now)
			break
		}
		s.reconcileService()
	}

	var not refusals
	for _, change := range []change{
		{"add", first.And(Port{Name: "web", Number: 8443})},
		{"renumber", first.With(Port{Name: "api", Number: 8081}, metrics)},
		{"rename", first.With(Port{Name: "rest", Number: 8080}, metrics)},
		{"drop", first.With(api)},
		{"reorder", first.With(metrics, api)},
		{"take an adapter's number", first.And(Port{Name: "nfs", Number: 2049})},
		{"take an adapter's number with another protocol", first.And(Port{Name: "nfs-udp", Number: 2049, Protocol: "UDP"})},
	} {
		not.add(change.name, m.changeService(m.newService(t, first), change))
	}
	got.OwnerCanChange = not.String()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s, %s, at a Service: answers (-want +got):\n%s", m.Tool, m.Mode, diff)
		return
	}
	row := Row{Tool: m.Tool, Mode: "Service: " + m.Mode, Set: set, Answers: Answers{
		InSync: got.InSync, SyncChangesPorts: got.SyncChangesPorts, SyncRestartsPods: "no", OwnerCanChange: got.OwnerCanChange,
		GitDeclaresPort: NotAsked, RemovedByHand: NotAsked, Replace: NotAsked,
	}}
	Must(t, row.Write())
}

// newService returns a site with the Service of a commit and portside's ports.
func (m Mode) newService(t testing.TB, c Commit) *Site {
	t.Helper()
	s := NewSite(t, testenv.Shared(t))
	s.Kind = ServiceKind
	m.sync(s, c)
	s.reconcileService()
	return s
}

// changeService makes a change and returns why it could not be made, or "". The adapter
// ports that it does not take must stay, with their node ports.
func (m Mode) changeService(s *Site, c change) string {
	s.Helper()
	before := s.servicePorts()
	if err := m.Sync(s, c.commit); err != nil {
		return refusal(err)
	}
	maps.DeleteFunc(before, func(port string, _ int64) bool { return !isAdapter(port) || c.commit.declares(keyOf(port)) })
	after := s.servicePorts()
	for port, number := range before {
		if now, kept := after[port]; !kept || now != number {
			return difference(before, after)
		}
	}
	if got := staticsOf(after); !slices.Equal(got, slices.Sorted(slices.Values(c.commit.lines()))) {
		return "the static ports are " + strings.Join(got, " ")
	}
	return ""
}

// staticsOf returns the static ports of a Service, sorted.
func staticsOf(ports map[string]int64) []string {
	var static []string
	for port := range ports {
		if name, _, _ := strings.Cut(port, "->"); !isAdapter(port) {
			static = append(static, name)
		}
	}
	slices.Sort(static)
	return static
}

func isAdapter(port string) bool { return strings.HasPrefix(port, "adapter-") }

// keyOf returns the number and the protocol of a port.
func keyOf(port string) string {
	_, key, _ := strings.Cut(port, ":")
	key, _, _ = strings.Cut(key, "->")
	return key
}

// difference names the adapter ports that are gone or have another node port.
func difference(before, after map[string]int64) string {
	var lost []string
	for _, port := range slices.Sorted(maps.Keys(before)) {
		now, kept := after[port]
		name, _, _ := strings.Cut(port, ":")
		switch {
		case !isAdapter(port):
		case !kept:
			lost = append(lost, "removes "+name)
		case now != before[port]:
			lost = append(lost, "moves the node port of "+name)
		}
	}
	return strings.Join(lost, ", ")
}

// servicePorts returns the node ports of the Service by its ports.
func (s *Site) servicePorts() map[string]int64 {
	s.Helper()
	return servicePortsOf(s.Live())
}

func servicePortsOf(live *unstructured.Unstructured) map[string]int64 {
	numbers := testenv.NodePorts(live)
	all := map[string]int64{}
	for _, port := range testenv.Ports(live, "") {
		name, _, _ := strings.Cut(port, ":")
		all[port] = numbers[name]
	}
	return all
}

// reconcileService reconciles portside's ports of the Service.
func (s *Site) reconcileService() {
	s.Helper()
	s.Reconcile(Adapter("nfs", 2049), Adapter("smb", 445))
}
