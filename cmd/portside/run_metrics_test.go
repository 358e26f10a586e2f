package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestMetrics runs changes, discovery and contention and expects each metric.
func TestMetrics(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	f := newFleet(t, cp, 1)
	s, _ := f.startService("--metrics-secure=false", "--allow-loopback-pods")
	for range 2 {
		f.changeAll()
		f.waitPorts()
	}
	f.discover("asked")
	f.removeByHand("asked", "adapter-nfs:12049/TCP")
	want := []string{
		`portside_reconciles_total{outcome="Applied"} 4`,
		`portside_reconciles_total{outcome="Failed"} 0`,
		`rest_client_requests_total{code="200",host="`,
		fmt.Sprintf(`portside_ports{state="Owned"} %d`, 1+len(f.members[0].desired)),
		`portside_ports{state="Blocked"} 0`,
		`portside_adaptersets{reason="InPlace"} 2`,
		`portside_build_info{goversion="` + runtime.Version() + `",version="`,
		`portside_discovery_polls_total{reason="Answered"} `,
		`portside_discovery_duration_seconds_count `,
		`portside_port_change_duration_seconds_count 4`,
		`portside_rollouts_caused_total 4`,
		`portside_contended_port_readds_total 1`,
		`workqueue_depth{controller="portside"`,
	}
	var text string
	testenv.Eventually(t, "the metrics", func(ctx context.Context) (err error) {
		if _, text, err = portside.Get(ctx, "http://"+s.Metrics+"/metrics", ""); err != nil {
			return err
		}
		for _, line := range want {
			if !strings.Contains(text, "\n"+line) {
				return fmt.Errorf("no %q in\n%s", line, ours(text))
			}
		}
		return nil
	})
	if sum := value(t, text, "portside_port_change_duration_seconds_sum"); sum <= 0 || sum > 60 {
		t.Errorf("four changes took %v seconds", sum)
	}
	if strings.Contains(text, "portside_adapterset_not_ready{") {
		t.Errorf("an AdapterSet is not ready:\n%s", ours(text))
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "portside_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// ours returns the lines of portside's own metrics, without buckets.
func ours(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "portside_") && !strings.Contains(line, "_bucket") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

func value(t *testing.T, text, metric string) (v float64) {
	t.Helper()
	_, rest, _ := strings.Cut(text, "\n"+metric+" ")
	if _, err := fmt.Sscan(rest, &v); err != nil {
		t.Fatalf("%s: %v", metric, err)
	}
	return v
}

// discover applies a workload whose pods answer that nfs is active, and waits for
// its port.
func (f *fleet) discover(name string) {
	f.t.Helper()
	server, err := dittofs.New(dittofs.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	server.Answer(dittofs.Adapters("nfs:12049"))
	f.t.Cleanup(f.ServePods(f.namespace, server.PodServer()))
	f.apply(staticWorkload(name))
	f.WaitRolledOut(f.t, "StatefulSet", f.namespace, name)
	f.apply(setOf("StatefulSet", name, fixture.Discovery("port: api, scheme: HTTP, intervalSeconds: 5, timeoutSeconds: 1")))
	f.waitPort(name, "adapter-nfs:12049/TCP")
}

// removeByHand removes the last port of a workload and waits until it is back.
func (f *fleet) removeByHand(name, port string) {
	f.t.Helper()
	f.waitInPlace(name)
	live := f.WaitRolledOut(f.t, "StatefulSet", f.namespace, name)
	last := len(testenv.Ports(live, "server")) - 1
	patch := fmt.Appendf(nil, `[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/%d"}]`, last)
	f.Manager("other").MustPatch(f.t, "StatefulSet", f.namespace, name, types.JSONPatchType, patch)
	f.waitPort(name, port)
}

func (f *fleet) waitPort(name, port string) {
	f.t.Helper()
	testenv.Eventually(f.t, port+" of "+name, func(ctx context.Context) error {
		live, err := f.git.Get(ctx, "StatefulSet", f.namespace, name)
		if err != nil {
			return err
		}
		if ports := testenv.Ports(live, "server"); !strings.Contains(strings.Join(ports, " "), port) {
			return fmt.Errorf("there are %q", ports)
		}
		return nil
	})
}

// waitInPlace waits until the status counts one port in place.
func (f *fleet) waitInPlace(name string) {
	f.t.Helper()
	testenv.Eventually(f.t, "the status of "+name, func(ctx context.Context) error {
		set, err := f.git.Get(ctx, "AdapterSet", f.namespace, name)
		if err != nil {
			return err
		}
		if status := fmt.Sprint(set.Object["status"]); !strings.Contains(status, "readyPorts:1") {
			return errors.New(status)
		}
		return nil
	})
}

func TestMetricsAuthorization(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	s, _ := f.startService()
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: `+f.namespace+`},
	  rules: [{nonResourceURLs: [/metrics], verbs: [get]}]}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: `+f.namespace+`},
	  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: `+f.namespace+`},
	  subjects: [{kind: ServiceAccount, namespace: `+f.namespace+`, name: prometheus}]}`)
	for _, c := range []struct {
		name, url, token string
		code             int
	}{
		{"metrics without a token", "https://" + s.Metrics + "/metrics", "", http.StatusUnauthorized},
		{"metrics without the permission", "https://" + s.Metrics + "/metrics", f.token("curious"), http.StatusForbidden},
		{"metrics with the permission", "https://" + s.Metrics + "/metrics", f.token("prometheus"), http.StatusOK},
		{"pprof is off by default", "https://" + s.Metrics + "/debug/pprof/", f.token("prometheus"), http.StatusNotFound},
		{"pprof is not served next to the probes", "http://" + s.Health + "/debug/pprof/", "", http.StatusNotFound},
		{"liveness probe", "http://" + s.Health + "/healthz", "", http.StatusOK},
		{"readiness probe", "http://" + s.Health + "/readyz", "", http.StatusOK},
	} {
		var code int
		var body string
		testenv.Eventually(t, c.name, func(ctx context.Context) (err error) {
			code, body, err = portside.Get(ctx, c.url, c.token)
			return err
		})
		if code != c.code || (code == http.StatusOK && c.token != "" && !strings.Contains(body, "portside_reconciles_total")) {
			t.Errorf("%s: %d, want %d: %s", c.name, code, c.code, body)
		}
	}
}

// token returns the bearer token of a new ServiceAccount.
func (f *fleet) token(name string) string {
	f.t.Helper()
	f.apply(`{apiVersion: v1, kind: ServiceAccount, metadata: {name: ` + name + `}}`)
	user, err := portside.Token(f.t.Context(), f.ControlPlane, f.namespace, name)
	if err != nil {
		f.t.Fatal(err)
	}
	return user.BearerToken
}

func TestPprof(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	address, err := portside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	f.startService("--pprof-bind-address", address)
	testenv.Eventually(t, "pprof", func(ctx context.Context) error {
		code, body, err := portside.Get(ctx, "http://"+address+"/debug/pprof/", "")
		if err == nil && (code != http.StatusOK || !strings.Contains(body, "goroutine")) {
			err = fmt.Errorf("%d: %s", code, body)
		}
		return err
	})
}
