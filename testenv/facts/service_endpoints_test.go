package facts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// endpointSlices returns the EndpointSlices of the Service.
func endpointSlices(ctx context.Context, cp *testenv.ControlPlane, ns string) ([]discoveryv1.EndpointSlice, error) {
	list, err := kubernetes.NewForConfigOrDie(cp.Config()).DiscoveryV1().EndpointSlices(ns).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + files})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// endpoints waits until the EndpointSlices have these ports and ready pods, each slice as
// "name:number … of n".
func endpoints(t *testing.T, cp *testenv.ControlPlane, ns string, want ...string) {
	t.Helper()
	testenv.Eventually(t, "the EndpointSlices", func(ctx context.Context) error {
		all, err := endpointSlices(ctx, cp, ns)
		if err != nil {
			return err
		}
		got := []string{}
		for _, s := range all {
			var ports []string
			for _, p := range s.Ports {
				ports = append(ports, fmt.Sprintf("%s:%d", ptr.Deref(p.Name, ""), ptr.Deref(p.Port, 0)))
			}
			slices.Sort(ports)
			ready := 0
			for _, e := range s.Endpoints {
				if ptr.Deref(e.Conditions.Ready, false) {
					ready++
				}
			}
			got = append(got, fmt.Sprintf("%s of %d", strings.Join(ports, " "), ready))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			return fmt.Errorf("EndpointSlices %q, want %q", got, want)
		}
		return nil
	})
}

// pods runs a pod of the Service whose container declares this port.
func pods(t *testing.T, cp *testenv.ControlPlane, ns, name, port string) {
	t.Helper()
	cp.Manager("git").In(ns).MustApply(t, fixture.StatefulSet(name, fixture.Container("server", port), fixture.Spec(
		"{selector: {matchLabels: {set: "+name+", app: files}}, template: {metadata: {labels: {set: "+name+", app: files}}}}")))
}

// servedNFS runs a pod behind a Service with a port of the owner and one of the
// contributor, and returns its EndpointSlices.
func servedNFS(t *testing.T) (cp *testenv.ControlPlane, ns string, slices []discoveryv1.EndpointSlice) {
	t.Helper()
	cp = testenv.WithControllers(t)
	notOnExisting(t, cp, needsPods)
	ns = cp.Namespace(t)
	pods(t, cp, ns, "files", "api:8080/TCP")
	serviceScenario(declareService("", apiPort), contributePorts(nfsPort)).RunIn(t, cp, ns)
	endpoints(t, cp, ns, "api:8080 extra-nfs:12049 of 1")
	slices, err := endpointSlices(t.Context(), cp, ns)
	if err != nil {
		t.Fatal(err)
	}
	return cp, ns, slices
}

func TestServiceFact46_TargetPortNumberMovesTraffic(t *testing.T) {
	t.Parallel()
	cp, ns, before := servedNFS(t)

	serviceScenario(contributePorts(nfsOther)).RunIn(t, cp, ns)
	endpoints(t, cp, ns, "api:8080 extra-nfs:12050 of 1")
	after, err := endpointSlices(t.Context(), cp, ns)
	if err != nil || after[0].UID != before[0].UID {
		t.Errorf("the EndpointSlice was replaced, %v", err)
	}
	serviceScenario(contribute(serviceMetadata)).RunIn(t, cp, ns)
	endpoints(t, cp, ns, "api:8080 of 1")
}

func TestServiceFact47_ServicePortNumberMovesNone(t *testing.T) {
	t.Parallel()
	cp, ns, before := servedNFS(t)

	serviceScenario(contributePorts(nfsPort), contributePorts("[{name: extra-nfs, port: 2050, protocol: TCP, targetPort: 12049}]"),
		contributePorts("[{name: extra-nfs, port: 2050, protocol: TCP, targetPort: 12050}]")).RunIn(t, cp, ns)
	endpoints(t, cp, ns, "api:8080 extra-nfs:12050 of 1")
	after, err := endpointSlices(t.Context(), cp, ns)
	if err != nil || after[0].Generation != before[0].Generation+1 {
		t.Errorf("generation %d, then %d, %v: want one change, of the target port", before[0].Generation, after[0].Generation, err)
	}
}

func TestServiceFact48_TargetPortNameIsEachPodsOwn(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	notOnExisting(t, cp, needsPods)
	ns := cp.Namespace(t)
	pods(t, cp, ns, "old", "extra-nfs:12049/TCP")
	pods(t, cp, ns, "new", "extra-nfs:12050/TCP")
	pods(t, cp, ns, "without", "api:8080/TCP")
	pods(t, cp, ns, "udp", "extra-nfs:12049/UDP")
	serviceScenario(declareService("", apiPort), contributePorts("[{name: extra-nfs, port: 2049, protocol: TCP, targetPort: extra-nfs}]")).RunIn(t, cp, ns)
	// A pod without the name, or with it in another protocol, is left out, without an error.
	endpoints(t, cp, ns, "api:8080 extra-nfs:12049 of 1", "api:8080 extra-nfs:12050 of 1", "api:8080 of 2")

	serviceScenario(contributePorts(nfsPort)).RunIn(t, cp, ns)
	endpoints(t, cp, ns, "api:8080 extra-nfs:12049 of 4")
}
