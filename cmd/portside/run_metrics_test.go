package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

const asksPods = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %[1]s}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %[1]s}
  discovery: {http: {port: api, scheme: HTTP, intervalSeconds: 5, timeoutSeconds: 1}}
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`

// A short life has it all: a change, discovery, and somebody who takes a port
// away.
func TestMetricsOfAShortLife(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	f := newFleet(t, cp, 1)
	s, _ := f.startService("--metrics-secure=false", "--allow-loopback-pods")
	for range 2 {
		f.changeAll()
		f.waitRight()
	}
	f.serveAdapters("asked")
	f.takeAway("asked", "adapter-nfs:12049/TCP")
	wanted := []string{
		`portside_passes_total{outcome="Applied"} 4`,
		`portside_passes_total{outcome="Failed"} 0`,
		`rest_client_requests_total{code="200",host="`,
		fmt.Sprintf(`portside_ports{state="Owned"} %d`, 1+len(f.members[0].wanted)),
		`portside_ports{state="Blocked"} 0`,
		`portside_adaptersets{reason="InPlace"} 2`,
		`portside_build_info{goversion="` + runtime.Version() + `",version="`,
		`portside_discovery_polls_total{reason="Answered"} `,
		`portside_discovery_duration_seconds_count `,
		`portside_port_change_duration_seconds_count 4`,
		`portside_rollouts_caused_total 4`,
		`portside_fights_readds_total 1`,
		`workqueue_depth{controller="portside"`,
	}
	var text string
	testenv.Eventually(t, "the metrics", func(ctx context.Context) (err error) {
		if _, text, err = get(ctx, "http://"+s.metrics+"/metrics", ""); err != nil {
			return err
		}
		for _, line := range wanted {
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
		t.Errorf("every AdapterSet is ready:\n%s", ours(text))
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

// ours are the lines of metrics that are portside's own.
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

// serveAdapters makes a workload whose pods answer that they serve nfs at
// 12049, and waits for its port.
func (f *fleet) serveAdapters(name string) {
	f.t.Helper()
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[{"type":"nfs","port":12049,"enabled":true,"running":true}]`)
	})
	stop := f.ServePods(f.namespace, testenv.PodServer{Port: 8080, Handler: func(*corev1.Pod) http.Handler { return answer }})
	f.t.Cleanup(stop)
	f.apply(fmt.Sprintf(workloadOfFleet, name))
	f.WaitRolledOut(f.t, "StatefulSet", f.namespace, name)
	f.apply(fmt.Sprintf(asksPods, name))
	f.waitPort(name, "adapter-nfs:12049/TCP")
}

// takeAway takes the last port of a workload away, and waits until it is back.
func (f *fleet) takeAway(name, port string) {
	f.t.Helper()
	f.waitTold(name)
	live := f.WaitRolledOut(f.t, "StatefulSet", f.namespace, name)
	last := len(testenv.Ports(live, "server")) - 1
	patch := fmt.Appendf(nil, `[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/%d"}]`, last)
	if _, err := f.Manager("vandal").Patch(f.t.Context(), "StatefulSet", f.namespace, name, types.JSONPatchType, patch); err != nil {
		f.t.Fatal(err)
	}
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

// waitTold waits until status says that all ports are in place.
func (f *fleet) waitTold(name string) {
	f.t.Helper()
	testenv.Eventually(f.t, "the status of "+name, func(ctx context.Context) error {
		set, err := f.git.Get(ctx, "AdapterSet", f.namespace, name)
		if err != nil {
			return err
		}
		if told := fmt.Sprint(set.Object["status"]); !strings.Contains(told, "readyPorts:1") {
			return errors.New(told)
		}
		return nil
	})
}

func TestMetricsAreForThoseWhoMayGetThem(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	s, _ := f.startService()
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: ` + f.namespace + `},
	  rules: [{nonResourceURLs: [/metrics], verbs: [get]}]}`)
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: ` + f.namespace + `},
	  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + f.namespace + `},
	  subjects: [{kind: ServiceAccount, namespace: ` + f.namespace + `, name: prometheus}]}`)
	for _, c := range []struct {
		who, url, token string
		code            int
	}{
		{"nobody", "https://" + s.metrics + "/metrics", "", http.StatusUnauthorized},
		{"one without the right", "https://" + s.metrics + "/metrics", f.token("curious"), http.StatusForbidden},
		{"one with the right", "https://" + s.metrics + "/metrics", f.token("prometheus"), http.StatusOK},
		{"pprof where it was not asked for", "https://" + s.metrics + "/debug/pprof/", f.token("prometheus"), http.StatusNotFound},
		{"pprof beside the probes", "http://" + s.health + "/debug/pprof/", "", http.StatusNotFound},
		{"the kubelet", "http://" + s.health + "/healthz", "", http.StatusOK},
		{"the kubelet, when it is ready", "http://" + s.health + "/readyz", "", http.StatusOK},
	} {
		var code int
		var body string
		testenv.Eventually(t, "the answer to "+c.who, func(ctx context.Context) (err error) {
			code, body, err = get(ctx, c.url, c.token)
			return err
		})
		if code != c.code || (code == http.StatusOK && c.token != "" && !strings.Contains(body, "portside_passes_total")) {
			t.Errorf("%s: %d, not %d: %s", c.who, code, c.code, body)
		}
	}
}

// token is the bearer token of a new service account.
func (f *fleet) token(name string) string {
	f.t.Helper()
	client := kubernetes.NewForConfigOrDie(f.Config()).CoreV1().ServiceAccounts(f.namespace)
	_, err := f.git.Apply(f.t.Context(), `{apiVersion: v1, kind: ServiceAccount, metadata: {name: `+name+`}}`)
	if err != nil {
		f.t.Fatal(err)
	}
	request, err := client.CreateToken(f.t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	return request.Status.Token
}

func TestPprofIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	address := freeAddress(t)
	f.startService("--pprof-bind-address", address)
	testenv.Eventually(t, "pprof", func(ctx context.Context) error {
		code, body, err := get(ctx, "http://"+address+"/debug/pprof/", "")
		if err == nil && (code != http.StatusOK || !strings.Contains(body, "goroutine")) {
			err = fmt.Errorf("%d: %s", code, body)
		}
		return err
	})
}
