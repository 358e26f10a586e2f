package controller

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestStates has a series for each AdapterSet with a problem, and for no other.
func TestStates(t *testing.T) {
	t.Parallel()
	s := realTimeScene(t)
	registry := prometheus.NewRegistry()
	forbidden := outage{code: http.StatusForbidden, of: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/adaptersets/unwritten/status") }}
	forbidden.on.Store(true)
	s.startAs(t, forbidden.wrap(s.cp.Config()), func(o *Options) { o.Registry, o.Version = registry, "v1.2.3" })

	s.git.MustApply(t, statefulSet())
	s.git.MustApply(t, workloadWith("StatefulSet", "blocked", []string{"adapter-nfs:8080/TCP"}))
	s.git.MustApply(t, workloadOf("StatefulSet", "silent", fixture.Spec("replicas: 0")))
	for _, name := range []string{"files", "blocked", "nowhere", "unwritten"} {
		s.git.MustApply(t, adapterSetOf("StatefulSet", name, withNFS))
	}
	s.git.MustApply(t, adapterSetOf("StatefulSet", "silent", fixture.Discovery("port: api, scheme: HTTP")))

	blocked := `not_ready{name="blocked",namespace="` + s.ns + `",reason="Conflicting"} 1`
	nowhere := `not_ready{name="nowhere",namespace="` + s.ns + `",reason="TargetNotFound"} 1`
	silent := `not_ready{name="silent",namespace="` + s.ns + `",reason="AwaitingAnswer"} 1`
	unwritten := `not_ready{name="unwritten",namespace="` + s.ns + `",reason="NotReported"} 1`
	notDiscovered := `not_discovered{name="silent",namespace="` + s.ns + `",reason="NoReadyPods"} 1`
	stalled := `stalled{name="blocked",namespace="` + s.ns + `",reason="Conflicting"} 1`
	waitSeries(t, registry, "portside_adapterset_", notDiscovered, blocked, nowhere, silent, unwritten, stalled)
	s.git.MustApply(t, workloadOf("StatefulSet", "nowhere"))
	waitSeries(t, registry, "portside_adapterset_", notDiscovered, blocked, silent, unwritten, stalled)

	waitSeries(t, registry, "portside_build_", `info{goversion="`+runtime.Version()+`",version="v1.2.3"} 1`)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
}

// waitSeries waits until the gauges with a prefix are these, sorted and without the
// prefix.
func waitSeries(t *testing.T, registry *prometheus.Registry, prefix string, want ...string) {
	t.Helper()
	testenv.Eventually(t, "the metrics", func(context.Context) error {
		families, err := registry.Gather()
		if err != nil {
			return err
		}
		var got []string
		for _, family := range families {
			name, ours := strings.CutPrefix(family.GetName(), prefix)
			for _, m := range family.GetMetric() {
				var labels []string
				for _, l := range m.GetLabel() {
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
				if ours {
					got = append(got, fmt.Sprintf("%s{%s} %v", name, strings.Join(labels, ","), m.GetGauge().GetValue()))
				}
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("they are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
}
