package facts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

func TestFact11_Validation(t *testing.T) {
	t.Parallel()
	const item = "ports[2]"
	for name, test := range map[string]struct {
		port    string
		refused []string // in the message; nil: accepted
	}{
		"a name of 15 characters":       {"{name: extra-789012345, containerPort: 12049, protocol: TCP}", nil},
		"a name with one letter":        {"{name: 1-2-3a, containerPort: 12049, protocol: TCP}", nil},
		"the number 1":                  {"{name: extra-nfs, containerPort: 1, protocol: TCP}", nil},
		"the number 65535":              {"{name: extra-nfs, containerPort: 65535, protocol: SCTP}", nil},
		"a name of 16 characters":       {"{name: extra-7890123456, containerPort: 12049, protocol: TCP}", []string{item + ".name", "must be no more than 15 characters"}},
		"a name in upper case":          {"{name: extra-NFS, containerPort: 12049, protocol: TCP}", []string{item + ".name", "alpha-numeric"}},
		"a name with another character": {"{name: adapter_nfs, containerPort: 12049, protocol: TCP}", []string{item + ".name", "alpha-numeric"}},
		"a name not in ASCII":           {"{name: extra-ñfs, containerPort: 12049, protocol: TCP}", []string{item + ".name", "alpha-numeric"}},
		"a name without a letter":       {`{name: "12049", containerPort: 12049, protocol: TCP}`, []string{item + ".name", "at least one letter"}},
		"a name with a double hyphen":   {"{name: extra--nfs, containerPort: 12049, protocol: TCP}", []string{item + ".name", "consecutive hyphens"}},
		"a name that begins with one":   {"{name: -nfs, containerPort: 12049, protocol: TCP}", []string{item + ".name", "must not begin or end with a hyphen"}},
		"a name that ends with one":     {"{name: extra-, containerPort: 12049, protocol: TCP}", []string{item + ".name", "must not begin or end with a hyphen"}},
		"a name that is taken":          {"{name: api, containerPort: 12049, protocol: TCP}", []string{item + ".name", `Duplicate value: "api"`}},
		"the number 0":                  {"{name: extra-nfs, containerPort: 0, protocol: TCP}", []string{item + ".containerPort"}},
		"a negative number":             {"{name: extra-nfs, containerPort: -1, protocol: TCP}", []string{item + ".containerPort"}},
		"the number 65536":              {"{name: extra-nfs, containerPort: 65536, protocol: TCP}", []string{item + ".containerPort", "between 1 and 65535"}},
		"a protocol in lower case":      {"{name: extra-nfs, containerPort: 12049, protocol: tcp}", []string{item + ".protocol", `Unsupported value: "tcp"`}},
		"a protocol of another kind":    {"{name: extra-nfs, containerPort: 12049, protocol: QUIC}", []string{item + ".protocol", `Unsupported value: "QUIC"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A valid port in the same apply is refused too.
			apply := contribute(shared("[" + test.port + ", {name: extra-smb, containerPort: 1445, protocol: TCP}]"))
			expect := testenv.Expect{Change: testenv.SpecChanged}
			if test.refused != nil {
				apply = refused(apply, testenv.Invalid(test.refused...))
				expect = testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}}
			}
			scenario(declare(static), apply, expect).Run(t, testenv.Shared(t))
		})
	}
	t.Run("a name that another container has", sameNameInTwoContainers)
}

// twins are two containers with a port extra-nfs each.
const twins = `
      - {name: first, image: first:1, ports: [{name: extra-nfs, containerPort: 12049}]}
      - {name: second, image: second:1, ports: [{name: extra-nfs, containerPort: 12050}]}
`

// sameNameInTwoContainers tests that a name may be taken twice in a pod, with a warning,
// and that a Service leads to the port of the first container.
func sameNameInTwoContainers(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	notOnExisting(t, cp, needsPods)
	ns := cp.Namespace(t)
	warnings := &recordedWarnings{}
	config := cp.Config()
	config.WarningHandler = warnings
	manager, err := testenv.NewManager(config, owner)
	if err != nil {
		t.Fatal(err)
	}
	set := strings.Replace(running(declared("[]")), "      - name: files\n        image: files:1\n        ports: []\n", twins, 1)
	if _, err := manager.In(ns).Apply(t.Context(), set); err != nil {
		t.Fatalf("the same name in another container is refused: %v", err)
	}
	if want := `containers[1].ports[0]: duplicate port name "extra-nfs"`; !strings.Contains(warnings.String(), want) {
		t.Errorf("warnings %q, want %q", warnings, want)
	}
	manager.In(ns).MustApply(t, `
apiVersion: v1
kind: Service
metadata: {name: files}
spec: {selector: {app: files}, ports: [{port: 2049, targetPort: extra-nfs}]}
`)
	cp.WaitRolledOut(t, "StatefulSet", ns, files)
	testenv.Eventually(t, "the Service's endpoint to be the first container's port", func(ctx context.Context) error {
		return endpointPort(ctx, cp, ns, 12049)
	})
}

// endpointPort returns an error unless this is the port of the Service's ready
// endpoints.
func endpointPort(ctx context.Context, cp *testenv.ControlPlane, ns string, want int32) error {
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return err
	}
	slices, err := client.DiscoveryV1().EndpointSlices(ns).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=files"})
	if err != nil {
		return err
	}
	for _, slice := range slices.Items {
		if len(slice.Endpoints) == 0 || len(slice.Ports) == 0 {
			continue
		}
		if len(slice.Ports) != 1 || *slice.Ports[0].Port != want {
			return fmt.Errorf("the ports are %v", slice.Ports)
		}
		return nil
	}
	return errors.New("no endpoints yet")
}

// recordedWarnings records warnings of the server.
type recordedWarnings struct {
	mu  sync.Mutex
	all []string
}

func (r *recordedWarnings) HandleWarningHeader(_ int, _, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, text)
}

func (r *recordedWarnings) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.all, "; ")
}
