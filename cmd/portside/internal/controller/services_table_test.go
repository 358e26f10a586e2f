package controller

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
)

// serviceEffect is what a change of an adapter does: the ports afterwards, and the cost.
type serviceEffect struct {
	change    string
	container string // container port, - without one
	service   string // number of the Service port and where it leads, - without one
	nodePort  string // allocated, kept, released, or another than before
	address   string // of the Service: allocated, kept, released, or another than before
	starts    string // of pods
	requests  string // that write to a Service or the StatefulSet
}

func (e serviceEffect) cells() []string {
	return []string{e.change, e.container, e.service, e.nodePort, e.address, e.starts, e.requests}
}

// operatorEffects is what the DittoFS operator v0.29.0 did when it was run against a real
// API server with one replica. A fresh server was added, smb stopped and came back, eight
// times, and nfs was renumbered. The operator writes each change of the container's ports
// twice, first sorted and then in its own order, and deletes the Service of an adapter
// that stops. Its requests were not counted, but each generation is one write. Some of
// what it wrote is in testenv/dittofs/operator-v0.29.
var operatorEffects = []serviceEffect{
	{"added", "yes", "new Service", "allocated", "allocated", "not recorded", "StatefulSet 2"},
	{"stopped", "-", "Service deleted", "released", "released", "1 or 2 of 1", "StatefulSet 2"},
	{"back", "yes", "new Service", "another", "another", "1 or 2 of 1", "StatefulSet 2"},
	{"renumbered", "12050", "12050->12050", "kept", "kept", "not recorded", "StatefulSet 2"},
}

// tableAnswers are the adapters that the pods report after each change.
var tableAnswers = map[string]http.HandlerFunc{
	"added":            dittofs.Adapters("nfs:12049"),
	"stopped":          dittofs.Adapters(),
	"back":             dittofs.Adapters("nfs:12049"),
	"renumbered":       dittofs.Adapters("nfs:12050"),
	"renumbered again": dittofs.Adapters("nfs:12051"),
}

const (
	bothRequests = "Service 1, StatefulSet 1"
	serviceOnly  = "Service 1, StatefulSet 0"
	// ridesAlong is a change of the StatefulSet's owner.
	ridesAlong = "owner's new image"
)

// TestServices_Table prints what changes of an adapter do to a StatefulSet of three
// replicas and its Service of type NodePort, and next to it what the operator did.
func TestServices_Table(t *testing.T) {
	t.Parallel()
	const lists = "services: [{name: files, ports: [{adapter: nfs, port: 2049}]}]\n"
	for name, c := range map[string]struct {
		spec string
		want []serviceEffect
	}{
		"Immediate": {lists, []serviceEffect{
			{"added", "12049", "2049->12049", "allocated", "kept", "3", bothRequests},
			{"stopped", "-", "-", "released", "kept", "3", bothRequests},
			{"back", "12049", "2049->12049", "another", "kept", "3", bothRequests},
			{"renumbered", "12050", "2049->12050", "kept", "kept", "3", bothRequests},
		}},
		"NextRollout": {lists + "rollout: {mode: NextRollout}\n", []serviceEffect{
			{"added", "-", "2049->12049", "allocated", "kept", "0", serviceOnly},
			{"stopped", "-", "-", "released", "kept", "0", serviceOnly},
			{"back", "-", "2049->12049", "another", "kept", "0", serviceOnly},
			{"renumbered", "-", "2049->12050", "kept", "kept", "0", serviceOnly},
			{ridesAlong, "12050", "2049->12050", "kept", "kept", "3", "Service 0, StatefulSet 1"},
			{"renumbered again", "12050", "2049->12051", "kept", "kept", "0", serviceOnly},
			{ridesAlong, "12051", "2049->12051", "kept", "kept", "3", "Service 0, StatefulSet 1"},
			{"stopped", "12051", "-", "released", "kept", "0", serviceOnly},
			{ridesAlong, "-", "-", "-", "kept", "3", "Service 0, StatefulSet 1"},
		}},
		"NextRollout, Keep": {strings.Replace(lists, "ports:", "whenInactive: Keep, ports:", 1) + "rollout: {mode: NextRollout}\n", []serviceEffect{
			{"added", "-", "2049->12049", "allocated", "kept", "0", serviceOnly},
			{"stopped", "-", "2049->12049", "kept", "kept", "0", "Service 0, StatefulSet 0"},
			{"back", "-", "2049->12049", "kept", "kept", "0", "Service 0, StatefulSet 0"},
			{"renumbered", "-", "2049->12050", "kept", "kept", "0", serviceOnly},
			{ridesAlong, "12050", "2049->12050", "kept", "kept", "3", "Service 0, StatefulSet 1"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTableScene(t, c.spec)
			effects := []serviceEffect{}
			for _, want := range c.want {
				got := s.play(want)
				if effects = append(effects, got); got != want {
					t.Errorf("%s:\n got %q\nwant %q", want.change, got.cells(), want.cells())
				}
			}
			t.Logf("\n%s", serviceTable("portside, "+name, effects))
		})
	}
	t.Logf("\n%s", serviceTable("DittoFS operator v0.29.0, recorded", operatorEffects))
}

// serviceTable returns effects as a table.
func serviceTable(title string, effects []serviceEffect) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(title)+"\tCONTAINER\tSERVICE\tNODE PORT\tADDRESS\tPOD STARTS\tREQUESTS")
	for _, e := range effects {
		fmt.Fprintln(w, strings.Join(e.cells(), "\t"))
	}
	_ = w.Flush()
	return text.String()
}

// tableScene is a StatefulSet of three replicas whose pods report no adapter at first,
// and its Service.
type tableScene struct {
	*asking
	address  string // of the Service
	nodePort int64  // that nfs had last, 0 before the first
	bound    bool   // whether it has it now
	images   int    // of the owner, so far
}

func newTableScene(t *testing.T, spec string) *tableScene {
	t.Helper()
	a := stoppedAsking(t, false)
	a.server.Answer(tableAnswers["stopped"])
	a.startAs(a.cp.Config(), withServices)
	s := &tableScene{asking: a}
	s.git.MustApply(t, statefulSet(fixture.Spec("replicas: 3")))
	serviceScene{s.scene}.applyService(t, nodePort, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	s.address = addressOf(s.git.MustGet(t, "Service", s.ns, "files"))
	s.waitRolledOut(t)
	s.git.MustApply(t, askingSet("StatefulSet", "files", v1alpha1.SchemeHTTP, 20, fixture.Spec(spec)))
	s.untilDiscovered("True", "Answered", "every ready pod answered")
	return s
}

// play makes the change of a row, waits for the row's ports, and returns the row as it is.
func (s *tableScene) play(want serviceEffect) serviceEffect {
	s.Helper()
	s.resetRequests()
	starts := s.cp.PodStarts(s.ns)
	if want.change == ridesAlong {
		s.images++
		ports := slices.Clone(static)
		if want.container != "-" {
			ports = append(ports, "adapter-nfs:"+want.container+"/TCP")
		}
		s.roll(s.T, fmt.Sprint("example.com/files:image-", s.images), ports...)
	} else {
		s.server.Answer(tableAnswers[want.change])
	}
	var got serviceEffect
	s.until(want.change, func(ctx context.Context) error {
		var err error
		if got, err = s.ports(ctx); err == nil && (got.container != want.container || got.service != want.service) {
			err = fmt.Errorf("container %s, Service %s", got.container, got.service)
		}
		return err
	})
	s.waitRolledOut(s.T)
	s.polls(2)
	s.catchUp(s.T)
	got, err := s.ports(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	got.change = want.change
	got.starts = strconv.Itoa(s.cp.PodStarts(s.ns) - starts)
	got.requests = fmt.Sprintf("Service %d, StatefulSet %d", s.writesOf("services"), s.writesOf("statefulsets"))
	got.nodePort, got.address = s.compareAddresses()
	return got
}

// ports returns a row with the ports of nfs.
func (s *tableScene) ports(ctx context.Context) (serviceEffect, error) {
	row := serviceEffect{container: "-", service: "-"}
	workload, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
	if err != nil {
		return row, err
	}
	service, err := s.git.Get(ctx, "Service", s.ns, "files")
	if err != nil {
		return row, err
	}
	for _, p := range testenv.Ports(workload, "server") {
		if number, ours := strings.CutPrefix(p, "adapter-nfs:"); ours {
			row.container = strings.TrimSuffix(number, "/TCP")
		}
	}
	for _, p := range testenv.Ports(service, "") {
		if number, ours := strings.CutPrefix(p, "adapter-nfs:"); ours {
			row.service = strings.Replace(number, "/TCP", "", 1)
		}
	}
	return row, nil
}

// compareAddresses compares the Service's addresses with those of the last row. A node
// port that was released is taken by another Service, as the API server may give it to
// any.
func (s *tableScene) compareAddresses() (number, address string) {
	s.Helper()
	service := s.git.MustGet(s, "Service", s.ns, "files")
	address = "another"
	if addressOf(service) == s.address {
		address = "kept"
	}
	last, bound := s.nodePort, s.bound
	now, found := testenv.NodePorts(service)["adapter-nfs"]
	if s.bound = found; found {
		s.nodePort = now
	}
	switch {
	case found && last == 0:
		number = "allocated"
	case found && now == last:
		number = "kept"
	case found:
		number = "another"
	case bound:
		number = "released"
		s.git.MustApply(s, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {type: NodePort, ports: [{port: 80, protocol: TCP, nodePort: %d}]}}", last))
	default:
		number = "-"
	}
	return number, address
}

// addressOf returns what a client of a Service knows: its cluster IP. Another Service
// may have the same one, but not the same UID.
func addressOf(service *unstructured.Unstructured) string {
	ip, _, _ := unstructured.NestedString(service.Object, "spec", "clusterIP")
	return fmt.Sprintf("%s of %s", ip, service.GetUID())
}

// writesOf returns how many requests portside sent that may change such objects. An apply
// that a write of Kubernetes' StatefulSet controller overtakes is refused and repeated; it
// counts once.
func (s *tableScene) writesOf(resource string) (writes int) {
	for _, verb := range []string{testenv.VerbApply, testenv.VerbPatch, testenv.VerbPut, testenv.VerbPost, testenv.VerbDelete} {
		writes += s.sent.CountOf(verb, resource)
	}
	return writes - s.sent.Conflicts(resource)
}

// TestServices_Renumbered: traffic follows an adapter that is renumbered at once, with no
// restart, while the container port waits for the owner's next rollout. The pod has an
// address that EndpointSlices accept.
func TestServices_Renumbered(t *testing.T) {
	t.Parallel()
	s := serviceScene{stoppedScene(t)}
	address, err := testenv.MachineAddress()
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(t, dittofs.Options{})
	server.Answer(dittofs.Adapters("nfs:12049"))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	pods := server.PodServer()
	pods.Address, pods.Port = address, listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	t.Cleanup(s.cp.ServePods(s.ns, pods))
	s.start(t, withServices)
	s.git.MustApply(t, workloadWith("StatefulSet", "files", []string{fmt.Sprintf("api:%d/TCP", pods.Port)}))
	s.applyService(t, nodePort, "[{name: api, port: 80, targetPort: api, protocol: TCP}]")
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(discovered, fixture.Spec("rollout: {mode: NextRollout}\n"+exposesNFS)))
	s.polled(t, 1, server)
	s.expectEndpoints(t, "adapter-nfs:12049", fmt.Sprint("api:", pods.Port))
	s.expectReady(t, "True", "Deferred", "1/2")
	before, starts := s.git.MustGet(t, "Service", s.ns, "files"), s.cp.PodStarts(s.ns)

	server.Answer(dittofs.Adapters("nfs:12050"))
	s.polled(t, 1, server)
	s.expectEndpoints(t, "adapter-nfs:12050", fmt.Sprint("api:", pods.Port))
	after := s.git.MustGet(t, "Service", s.ns, "files")
	if addressOf(before) != addressOf(after) || !maps.Equal(testenv.NodePorts(before), testenv.NodePorts(after)) {
		t.Errorf("the Service has %s and node ports %v, had %s and %v",
			addressOf(after), testenv.NodePorts(after), addressOf(before), testenv.NodePorts(before))
	}
	if n := s.cp.PodStarts(s.ns) - starts; n != 0 {
		t.Errorf("%d pods started", n)
	}
	s.expectReady(t, "True", "Deferred", "1/2")
}

// expectEndpoints waits until the Service leads to these ports of pods.
func (s serviceScene) expectEndpoints(t *testing.T, want ...string) {
	t.Helper()
	testenv.Eventually(t, "the Service to lead to its ports", func(ctx context.Context) error {
		got, err := s.cp.EndpointPorts(ctx, s.ns, "files")
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("it leads to %q, want %q", got, want)
		}
		return err
	})
}
