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
)

// TestStates has a series for each AdapterSet with a problem, and for no other.
func TestStates(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	git := cp.Manager("git").In(ns)
	registry := prometheus.NewRegistry()
	forbidden := outage{code: http.StatusForbidden, of: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/adaptersets/unwritten/status") }}
	forbidden.on.Store(true)
	startAs(t, cp, forbidden.wrap(cp.Config()), ns, func(o *Options) { o.Registry, o.Version = registry, "v1.2.3" })

	of := func(object, name string) string { return strings.ReplaceAll(object, "files", name) }
	declared := adapterSet("[{type: nfs, port: 12049}]", "")
	discovered := strings.Replace(adapterSet("", "discovery: {http: {port: api, scheme: HTTP}}"), "adapters:", "", 1)
	mustApply(t, git, statefulSet)
	mustApply(t, git, of(strings.Replace(statefulSet, "name: api", "name: adapter-nfs", 1), "blocked"))
	mustApply(t, git, of(strings.Replace(statefulSet, "replicas: 1", "replicas: 0", 1), "silent"))
	mustApply(t, git, declared)
	mustApply(t, git, of(declared, "blocked"))
	mustApply(t, git, of(declared, "nowhere"))
	mustApply(t, git, of(discovered, "silent"))
	mustApply(t, git, of(declared, "unwritten"))

	blocked := `not_ready{name="blocked",namespace="` + ns + `",reason="Conflicting"} 1`
	nowhere := `not_ready{name="nowhere",namespace="` + ns + `",reason="TargetNotFound"} 1`
	silent := `not_ready{name="silent",namespace="` + ns + `",reason="AwaitingAnswer"} 1`
	unwritten := `not_ready{name="unwritten",namespace="` + ns + `",reason="NotReported"} 1`
	notDiscovered := `not_discovered{name="silent",namespace="` + ns + `",reason="NoReadyPods"} 1`
	stalled := `stalled{name="blocked",namespace="` + ns + `",reason="Conflicting"} 1`
	waitSeries(t, registry, "portside_adapterset_", notDiscovered, blocked, nowhere, silent, unwritten, stalled)
	mustApply(t, git, of(statefulSet, "nowhere"))
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

// waitSeries waits until the gauges whose name begins so are these, sorted and
// without that beginning.
func waitSeries(t *testing.T, registry *prometheus.Registry, begin string, want ...string) {
	t.Helper()
	testenv.Eventually(t, "the metrics", func(context.Context) error {
		families, err := registry.Gather()
		if err != nil {
			return err
		}
		var got []string
		for _, family := range families {
			name, ours := strings.CutPrefix(family.GetName(), begin)
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
