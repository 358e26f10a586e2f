package monitoring

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{Controllers: true}) }

// life is a running portside and the workloads that it looks after.
type life struct {
	*testenv.ControlPlane
	t         *testing.T
	namespace string
	service   *portside.Service
	broken    atomic.Bool
	scrapes   []string
}

// lived returns what /metrics said in the life of a portside, and the namespace
// that it lived in.
func lived(t *testing.T) (namespace string, scrapes []string) {
	t.Helper()
	cp := testenv.WithControllers(t)
	l := &life{ControlPlane: cp, t: t, namespace: cp.Namespace(t)}
	portside.InstallCRD(t, cp)
	t.Cleanup(cp.ServePods(l.namespace, testenv.PodServer{Port: 8080, Handler: func(*corev1.Pod) http.Handler { return http.HandlerFunc(l.answer) }}))
	l.run()
	l.await(`leader_election_master_status{name="portside"} 1`)
	l.scrape()

	l.apply(workload("Deployment", "files"), discovered)
	l.await("portside_rollouts_caused_total 1", `portside_discovery_polls_total{reason="Answered"} 1`, `portside_adaptersets{reason="InPlace"} 1`)
	l.scrape()

	if _, err := cp.Manager("vandal").Patch(t.Context(), "Deployment", l.namespace, "files", types.JSONPatchType,
		[]byte(`[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/1"}]`)); err != nil {
		t.Fatal(err)
	}
	l.await("portside_contended_port_readds_total 1")
	l.broken.Store(true)
	l.apply(workload("DaemonSet", "blocked"), declared("DaemonSet", "blocked", "{type: api, port: 12049}"), declared("StatefulSet", "nowhere", "{type: nfs, port: 12049}"))
	l.await(`portside_discovery_polls_total{reason="ServerError"} 1`, `portside_ports{state="Blocked"} 1`,
		`portside_adapterset_not_ready{name="blocked",`, `portside_adapterset_not_ready{name="nowhere",`, `portside_adapterset_not_discovered{name="files",`)
	l.scrape()
	l.awaitAnother(`portside_discovery_polls_total{reason="ServerError"}`) // a rate takes two
	l.scrape()
	return l.namespace, l.scrapes
}

// answer is that of a pod to the question for its adapters.
func (l *life) answer(w http.ResponseWriter, _ *http.Request) {
	if l.broken.Load() {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, `[{"type":"nfs","port":12049,"enabled":true,"running":true}]`)
}

// workload has a static port with the name that an adapter of the type api
// would have.
func workload(kind, name string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: %s}
spec:
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: adapter-api, containerPort: 8080, protocol: TCP}]
`, kind, name)
}

func declared(kind, name, adapter string) string {
	return adapterSet(kind, name, "adapters: ["+adapter+"]")
}

var discovered = adapterSet("Deployment", "files", "discovery: {http: {port: 8080, scheme: HTTP, intervalSeconds: 5, timeoutSeconds: 4}}")

func adapterSet(kind, name, source string) string {
	return fmt.Sprintf(`
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %s}
spec:
  targetRef: {apiVersion: apps/v1, kind: %s, name: %[1]s}
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
  %[3]s
`, name, kind, source)
}

// run starts portside as it is in these sources, until the test ends.
func (l *life) run() {
	l.t.Helper()
	l.service = portside.Run(l.t, portside.BuildFor(l.t), l.Config(), "--watch-namespace="+l.namespace,
		"--leader-election-namespace="+l.namespace, "--metrics-secure=false", "--allow-loopback-pods")
}

func (l *life) apply(objects ...string) {
	l.t.Helper()
	for _, object := range objects {
		if _, err := l.Manager("git").In(l.namespace).Apply(l.t.Context(), object); err != nil {
			l.t.Fatal(err)
		}
	}
}

// await waits until /metrics has a line that begins with each of these.
func (l *life) await(lines ...string) {
	l.t.Helper()
	testenv.Eventually(l.t, fmt.Sprintf("metrics %q", lines), func(ctx context.Context) error {
		text, err := l.service.Scrape(ctx)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line) {
				return fmt.Errorf("no %q in\n%s", line, own(text))
			}
		}
		return nil
	})
}

// awaitAnother waits until a line that begins so is another than at the last
// scrape.
func (l *life) awaitAnother(begin string) {
	l.t.Helper()
	last := l.scrapes[len(l.scrapes)-1]
	testenv.Eventually(l.t, "another "+begin, func(ctx context.Context) error {
		text, err := l.service.Scrape(ctx)
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, begin) && !strings.Contains(last, line) {
				return nil
			}
		}
		return fmt.Errorf("it is as it was in\n%s", own(text))
	})
}

// own are the lines about portside itself.
func own(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "portside_") && !strings.Contains(line, "_bucket") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func (l *life) scrape() {
	l.t.Helper()
	text, err := l.service.Scrape(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	l.scrapes = append(l.scrapes, text)
}
