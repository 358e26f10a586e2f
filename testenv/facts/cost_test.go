package facts_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestFact12_NoopApply expects that a no-op apply is served like any other and
// reads the store; only the write is saved. Its time differs by machine and is
// measured by BenchmarkFact12.
func TestFact12_NoopApply(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	notOnExisting(t, cp, needsMetrics)
	ns := cp.Namespace(t)
	manager := cp.Manager(contributor).In(ns)
	apply := func() {
		t.Helper()
		// A DaemonSet, because no other test writes one on this server: its metrics
		// have labels for resources but not for namespaces.
		manager.MustApply(t, fixture.DaemonSet(files, fixture.Container(files, "api:8080")))
	}
	apply()
	before := daemonSetCost(t, cp)
	const times = 5
	for range times {
		apply()
	}
	after := daemonSetCost(t, cp)
	if got := after.applies - before.applies; got != times {
		t.Errorf("the server served %v applies, want %d", got, times)
	}
	if got := after.reads - before.reads; got != times {
		t.Errorf("the server read the store %v times, want one for each of %d applies", got, times)
	}
	if got := after.writes - before.writes; got != 0 {
		t.Errorf("the server wrote to the store %v times for no-op applies", got)
	}
}

type cost struct{ applies, reads, writes float64 }

func daemonSetCost(t *testing.T, cp *testenv.ControlPlane) cost {
	t.Helper()
	return cost{
		applies: metric(t, cp, "apiserver_request_total", `resource="daemonsets"`, `verb="APPLY"`),
		reads:   metric(t, cp, "etcd_requests_total", `resource="daemonsets"`, `operation="get"`),
		writes:  metric(t, cp, "etcd_requests_total", `resource="daemonsets"`, `operation="update"`),
	}
}

// BenchmarkFact12 compares a GET, a no-op apply and an apply that changes one port
// by their time and by the CPU time of kube-apiserver.
func BenchmarkFact12(b *testing.B) {
	cp := testenv.Shared(b)
	ns := cp.Namespace(b)
	manager := cp.Manager(contributor).In(ns)
	cp.Manager(owner).In(ns).MustApply(b, declared(static))
	apply := func(ctx context.Context, port int) error {
		_, err := manager.Apply(ctx, shared(fmt.Sprintf("[{name: extra-nfs, containerPort: %d, protocol: TCP}]", port)))
		return err
	}
	for _, operation := range []struct {
		name string
		do   func(ctx context.Context, i int) error
	}{
		{"GET", func(ctx context.Context, _ int) error {
			_, err := manager.Get(ctx, "StatefulSet", ns, files)
			return err
		}},
		{"NoopApply", func(ctx context.Context, _ int) error { return apply(ctx, 12049) }},
		{"ChangingApply", func(ctx context.Context, i int) error { return apply(ctx, 20000+i%2) }},
	} {
		b.Run(operation.name, func(b *testing.B) {
			if err := apply(b.Context(), 12049); err != nil {
				b.Fatal(err)
			}
			before := metric(b, cp, "process_cpu_seconds_total")
			for i := 0; b.Loop(); i++ {
				if err := operation.do(b.Context(), i); err != nil {
					b.Fatal(err)
				}
			}
			cpu := metric(b, cp, "process_cpu_seconds_total") - before
			b.ReportMetric(cpu*1e6/float64(b.N), "server-cpu-µs/op")
		})
	}
}

// metric returns the sum of a metric of kube-apiserver over the series with these
// labels.
func metric(t testing.TB, cp *testenv.ControlPlane, name string, labels ...string) float64 {
	t.Helper()
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for line := range bytes.Lines(page) {
		series, number, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if of, _, _ := strings.Cut(series, "{"); of != name || !hasAll(series, labels) {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatalf("metric %s: %v", line, err)
		}
		sum += value
	}
	return sum
}

func hasAll(series string, labels []string) bool {
	for _, label := range labels {
		if !strings.Contains(series, label) {
			return false
		}
	}
	return true
}
