package monitoring

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{Controllers: true}) }

// life is a running portside and its workloads.
type life struct {
	*testenv.ControlPlane
	t         *testing.T
	namespace string
	service   *portside.Service
	scrapes   []string
}

// scrapesOfLife returns scrapes of /metrics during a life of portside, and the
// namespace of the workloads.
func scrapesOfLife(t *testing.T) (namespace string, scrapes []string) {
	t.Helper()
	cp := testenv.WithControllers(t)
	l := &life{ControlPlane: cp, t: t, namespace: cp.Namespace(t)}
	portside.InstallCRD(t, cp)
	server, err := dittofs.New(dittofs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server.Answer(dittofs.Adapters("nfs:12049"))
	t.Cleanup(cp.ServePods(l.namespace, server.PodServer()))
	l.run()
	l.await(`leader_election_master_status{name="portside"} 1`)
	l.scrape()

	l.apply(workload("Deployment", "files"),
		adapterSet("Deployment", "files", fixture.Discovery("port: 8080, scheme: HTTP, intervalSeconds: 5, timeoutSeconds: 4")))
	l.await("portside_rollouts_caused_total 1", `portside_discovery_polls_total{reason="Answered"} 1`, `portside_adaptersets{reason="InPlace"} 1`)
	l.scrape()

	cp.Manager("other").MustPatch(t, "Deployment", l.namespace, "files", types.JSONPatchType,
		[]byte(`[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/1"}]`))
	l.await("portside_contended_port_readds_total 1")
	server.Answer(dittofs.Status(http.StatusInternalServerError))
	l.apply(workload("DaemonSet", "blocked"), adapterSet("DaemonSet", "blocked", fixture.Adapters("api:12049")),
		adapterSet("StatefulSet", "nowhere", fixture.Adapters("nfs:12049")))
	l.await(`portside_discovery_polls_total{reason="ServerError"} 1`, `portside_ports{state="Blocked"} 1`,
		`portside_adapterset_not_ready{name="blocked",`, `portside_adapterset_not_ready{name="nowhere",`, `portside_adapterset_not_discovered{name="files",`)
	l.scrape()
	l.awaitChange(`portside_discovery_polls_total{reason="ServerError"}`) // a rate takes two samples
	l.scrape()
	return l.namespace, l.scrapes
}

// workload returns a workload with a static port of the name that an adapter of type
// api would have.
func workload(kind, name string) *unstructured.Unstructured {
	return fixture.Workload(kind, name, fixture.Container("server", "adapter-api:8080/TCP"))
}

func adapterSet(kind, name string, source fixture.Option) *unstructured.Unstructured {
	return fixture.AdapterSet(name, fixture.Target(kind, name), fixture.Rollout(0, 0), source)
}

// run starts portside from these sources, until the test ends.
func (l *life) run() {
	l.t.Helper()
	l.service = portside.Run(l.t, portside.BuildFor(l.t), l.Config(), "--watch-namespace="+l.namespace,
		"--leader-election-namespace="+l.namespace, "--metrics-secure=false", "--allow-loopback-pods")
}

func (l *life) apply(objects ...any) {
	l.t.Helper()
	l.Manager("git").In(l.namespace).MustApply(l.t, objects...)
}

// await waits until /metrics has a line that begins with each of these texts.
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

// awaitChange waits until a line that begins with a text differs from that of the
// last scrape.
func (l *life) awaitChange(begin string) {
	l.t.Helper()
	last := l.scrapes[len(l.scrapes)-1]
	testenv.Eventually(l.t, "a change of "+begin, func(ctx context.Context) error {
		text, err := l.service.Scrape(ctx)
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, begin) && !strings.Contains(last, line) {
				return nil
			}
		}
		return fmt.Errorf("unchanged in\n%s", own(text))
	})
}

// own returns the lines of portside's own metrics.
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
