package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

func keyOf(ns, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: ns, Name: name}
}

// TestAMirrorThatEndedLeavesNothing is not parallel: it looks at all goroutines.
func TestAMirrorThatEndedLeavesNothing(t *testing.T) {
	cp := testenv.Shared(t)
	installCRD(t, cp)
	before := goleak.IgnoreCurrent()
	for _, pods := range []bool{false, true} {
		// With connections of its own: those of equal configurations are shared.
		tlsConfig, err := rest.TLSConfigFor(cp.Config())
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true}
		m, _, stop := start(t, newClient(t, &rest.Config{Host: cp.Config().Host, Transport: transport}), Options{Namespace: "default"})
		if err := m.WaitForSync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if pods {
			m.WatchPods()
			m.WatchPods() // asked again, it is the same
			<-m.PodsSynced()
		}
		stop()
		testenv.Eventually(t, "its goroutines to end", func(context.Context) error {
			transport.CloseIdleConnections() // those of requests that were called off are idle in a moment
			return goleak.Find(before)
		})
	}
}

func TestPodsAreWatchedOnceAskedFor(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	installCRD(t, cp)
	ns := cp.Namespace(t)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	m, _, _ := start(t, newClient(t, proxy.Config()), Options{Namespace: ns})
	if err := m.WaitForSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := func() int { return proxy.CountOf(testenv.VerbList, "pods") + proxy.CountOf(testenv.VerbWatch, "pods") }
	if n := asked(); n > 0 {
		t.Errorf("%d requests for pods, though nobody asked for them", n)
	}
	m.WatchPods()
	<-m.PodsSynced()
	if asked() == 0 {
		t.Error("no request for pods")
	}
}

func TestSyncedIsOnceAllWasListed(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	installCRD(t, cp)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	daemonSets := func(r *http.Request) bool {
		return testenv.Is(testenv.VerbList, "daemonsets")(r) || testenv.Is(testenv.VerbWatch, "daemonsets")(r)
	}
	held, release := proxy.HoldRequests(daemonSets)
	m, _, _ := start(t, newClient(t, proxy.Config()), Options{Namespace: cp.Namespace(t)})
	<-held
	<-m.sets.synced
	if m.Synced() {
		t.Error("synced without the DaemonSets")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.WaitForSync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for sync when it is called off: %v", err)
	}
	release()
	if err := m.WaitForSync(t.Context()); err != nil || !m.Synced() {
		t.Errorf("synced: %t, %v", m.Synced(), err)
	}
}

// expired has the API server say to watches that go on that it no longer has
// the events since then, as it does after a compaction.
func expired(answer *http.Response) error {
	if testenv.Is(testenv.VerbWatch, "adaptersets")(answer.Request) || testenv.Is(testenv.VerbWatch, "statefulsets")(answer.Request) {
		if answer.Request.URL.Query().Get("sendInitialEvents") == "true" {
			return nil // a list, in the form of a watch
		}
		status := apierrors.NewResourceExpired("too old resource version").Status()
		status.Kind, status.APIVersion = "Status", "v1"
		body, err := json.Marshal(status)
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil {
			return err
		}
		answer.StatusCode, answer.Status = http.StatusGone, "410 Gone"
		answer.Header.Set("Content-Type", "application/json")
		answer.ContentLength, answer.Body = int64(len(body)), io.NopCloser(bytes.NewReader(body))
	}
	return nil
}

func TestWhatHappenedWhileAWatchWasCutIsToldAfterwards(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		relist bool
	}{{"the watch goes on", false}, {"all is listed anew", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.Shared(t)
			installCRD(t, cp)
			ns := cp.Namespace(t)
			git := cp.Manager("git").In(ns)
			for _, name := range []string{"gone", "changed", "stays"} {
				mustApply(t, git, statefulSet(name))
				mustApply(t, git, adapterSet(name, name))
			}
			mustApply(t, git, adapterSet("workload-gone", "workload-gone"))
			mustApply(t, git, statefulSet("workload-gone"))
			var compacted atomic.Bool
			proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnAnswer: func(answer *http.Response) error {
				if compacted.Load() {
					return expired(answer)
				}
				return nil
			}})
			m, told, _ := start(t, newClient(t, proxy.Config()), Options{Namespace: ns})
			if err := m.WaitForSync(t.Context()); err != nil {
				t.Fatal(err)
			}
			told.take()
			proxy.Refuse(true)
			mustDelete(t, git, "AdapterSet", ns, "gone")
			mustDelete(t, git, "StatefulSet", ns, "workload-gone")
			mustPatch(t, git, "AdapterSet", ns, "changed", `{"spec":{"suspend":true}}`)
			mustApply(t, git, adapterSet("new", "new"))
			compacted.Store(test.relist)
			proxy.Refuse(false)
			want := []string{"changed: AdapterSet", "gone: AdapterSet", "new: AdapterSet", "workload-gone: workload"}
			var all []string
			until(t, "all of it to be told", func() bool {
				all = append(all, told.take()...)
				return len(all) >= len(want)
			})
			slices.Sort(all)
			if !slices.Equal(all, want) {
				t.Errorf("told was %q, not %q", all, want)
			}
			if !m.Left(targetIn(ns, "gone")) || m.Left(targetIn(ns, "stays")) || m.Left(targetIn(ns, "workload-gone")) {
				t.Errorf("left is not the one whose AdapterSet was deleted alone; targets %v", m.Targets())
			}
			if m.Workload(targetIn(ns, "workload-gone")) != nil || m.Workload(targetIn(ns, "gone")) == nil {
				t.Error("the workload that was deleted is there, or another is not")
			}
		})
	}
}
