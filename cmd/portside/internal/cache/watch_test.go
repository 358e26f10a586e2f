package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// watched is what the watches of a namespace enqueue.
type watched struct {
	*Watches
	ns  string
	git *testenv.Manager

	mu       sync.Mutex
	enqueued []string // as "files: AdapterSet" or "files: workload"
}

// watch has the watches of a namespace enqueue until the test ends.
func watch(t *testing.T, cp *testenv.ControlPlane, config *rest.Config, ns string) *watched {
	t.Helper()
	portside.InstallCRD(t, cp)
	w := &watched{Watches: NewWatches(start(t, config, Options{Namespace: ns})), ns: ns, git: cp.Manager("git").In(ns)}
	queue := priorityqueue.New[workload.Target](ns)
	var ended sync.WaitGroup
	ended.Go(func() { w.drain(queue) })
	t.Cleanup(func() {
		queue.ShutDown()
		ended.Wait()
	})
	sources := w.Sources()
	for _, s := range sources {
		if err := s.Start(t.Context(), queue); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range sources {
		if err := s.WaitForSync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	lowest := -1000
	queue.AddWithOpts(priorityqueue.AddOpts{Priority: &lowest}, workload.Target{Name: "end"})
	until(t, "what exists to be enqueued", func(context.Context) bool {
		return slices.ContainsFunc(w.peek(), func(one string) bool { return strings.HasPrefix(one, "end: ") })
	})
	w.take()
	return w
}

func (w *watched) drain(queue priorityqueue.PriorityQueue[workload.Target]) {
	for {
		t, priority, shutdown := queue.GetWithPriority()
		if shutdown {
			return
		}
		w.mu.Lock()
		w.enqueued = append(w.enqueued, t.Name+": "+map[int]string{Changed: "AdapterSet", Noticed: "workload"}[priority])
		w.mu.Unlock()
		queue.Done(t)
	}
}

// take returns what was enqueued since the last time.
func (w *watched) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	enqueued := w.enqueued
	w.enqueued = nil
	return enqueued
}

// peek returns what was enqueued, and leaves it there.
func (w *watched) peek() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.enqueued)
}

// expect waits until something was enqueued, and fails the test if it was something
// else or more than once.
func (w *watched) expect(t *testing.T, want string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%q to be enqueued", want), func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.Contains(w.enqueued, want) {
			return fmt.Errorf("enqueued was %q", w.enqueued)
		}
		return nil
	})
	if enqueued := w.take(); !slices.Equal(enqueued, []string{want}) {
		t.Errorf("enqueued was %q, not %q alone", enqueued, want)
	}
}

// expectNothing fails the test if anything was enqueued.
func (w *watched) expectNothing(t *testing.T, since string) {
	t.Helper()
	if enqueued := w.take(); len(enqueued) > 0 {
		t.Errorf("%s enqueued %q", since, enqueued)
	}
}

func (w *watched) target(name string) workload.Target {
	return workload.Target{Kind: workload.StatefulSet, Namespace: w.ns, Name: name}
}

func (w *watched) patch(t *testing.T, kind, name, patch string) {
	t.Helper()
	w.git.MustPatch(t, kind, w.ns, name, types.MergePatchType, []byte(patch))
}

func (w *watched) delete(t *testing.T, kind, name string) {
	t.Helper()
	w.git.MustDelete(t, kind, w.ns, name)
}

// version returns the resourceVersion of an object in the cache, empty where there
// is none.
func (w *watched) version(t *testing.T, kind, name string) string {
	t.Helper()
	if kind != "AdapterSet" {
		live, err := w.cluster.Workload(t.Context(), w.target(name))
		if err != nil || live == nil {
			return ""
		}
		return live.ResourceVersion
	}
	sets, err := w.cluster.AdapterSets(w.target(name))
	if err != nil || len(sets) == 0 {
		return ""
	}
	return sets[0].ResourceVersion
}

// patchCached patches the object files and waits until it is cached.
func (w *watched) patchCached(t *testing.T, kind, patch string) {
	t.Helper()
	const name = "files"
	before := w.version(t, kind, name)
	w.patch(t, kind, name, patch)
	until(t, "the newer "+kind, func(context.Context) bool { return w.version(t, kind, name) != before })
}

func TestWatchAdapterSets(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	w := watch(t, cp, cp.Config(), cp.Namespace(t))
	w.git.MustApply(t, adapterSet("files", "files"))
	w.expect(t, "files: AdapterSet")
	w.patchCached(t, "AdapterSet", `{"metadata":{"labels":{"observed":"1"}}}`)
	w.expectNothing(t, "a change of what is not read")
	if _, err := cp.Kubectl(t.Context(), w.ns, "", "patch", "adapterset", "files", "--subresource=status", "--type=merge", "-p", `{"status":{"readyPorts":1}}`); err != nil {
		t.Fatal(err)
	}
	w.patchCached(t, "AdapterSet", `{"metadata":{"labels":{"observed":"2"}}}`)
	w.expectNothing(t, "a change of status")

	w.patch(t, "AdapterSet", "files", `{"spec":{"suspend":true}}`)
	w.expect(t, "files: AdapterSet")
	w.patch(t, "AdapterSet", "files", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	w.expect(t, "files: AdapterSet")
	w.delete(t, "AdapterSet", "files") // it still exists, and is being deleted
	w.expect(t, "files: AdapterSet")
	w.patch(t, "AdapterSet", "files", `{"metadata":{"finalizers":null}}`)
	w.expect(t, "files: AdapterSet")
	if version := w.version(t, "AdapterSet", "files"); version != "" {
		t.Errorf("it is still cached, at %s", version)
	}
}

func TestWatchWorkloads(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	w := watch(t, cp, cp.Config(), cp.Namespace(t))
	w.git.MustApply(t, adapterSet("files", "files"))
	w.expect(t, "files: AdapterSet")
	w.git.MustApply(t, workloadOf("StatefulSet", "others"))
	w.git.MustApply(t, workloadOf("StatefulSet", "files"))
	w.expect(t, "files: workload")
	for _, patch := range []string{
		`{"metadata":{"labels":{"round":"1"},"annotations":{"example.com/more":"notes"}}}`,
		`{"spec":{"minReadySeconds":5}}`,
	} {
		w.patchCached(t, "StatefulSet", patch)
		w.expectNothing(t, patch)
	}
	for _, patch := range []string{
		`{"spec":{"template":{"metadata":{"annotations":{"example.com/restarted":"now"}}}}}`, // a change may wait for its rollout
		`{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`,
	} {
		w.patch(t, "StatefulSet", "files", patch)
		w.expect(t, "files: workload")
	}
	w.git.MustApply(t, adapterSet("other", "others"))
	w.expect(t, "others: AdapterSet")
	w.delete(t, "StatefulSet", "files")
	w.expect(t, "files: workload")
}

// expectLast waits until the last that was enqueued is this.
func (w *watched) expectLast(t *testing.T, want string) {
	t.Helper()
	var all []string
	until(t, want, func(context.Context) bool {
		all = append(all, w.take()...)
		return len(all) > 0 && all[len(all)-1] == want
	})
}

// expired has the API server answer watches that it no longer has the events since
// then, as it does after a compaction.
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

// TestWatchResumes: what happened while the watches were cut is enqueued afterwards,
// also what was recreated meanwhile.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		relist bool
	}{{"the watch continues", false}, {"all is listed again", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.Shared(t)
			portside.InstallCRD(t, cp)
			ns := cp.Namespace(t)
			git := cp.Manager("git").In(ns)
			for _, name := range []string{"deleted", "changed", "stays"} {
				git.MustApply(t, workloadOf("StatefulSet", name))
				git.MustApply(t, adapterSet(name, name))
			}
			git.MustApply(t, adapterSet("workload-gone", "workload-gone"))
			git.MustApply(t, workloadOf("StatefulSet", "workload-gone"))
			git.MustApply(t, adapterSet("recreated", "recreated", fixture.Spec("services: [{name: recreated}]")))
			git.MustApply(t, adapterSet("moved", "moved"))
			var compacted atomic.Bool
			proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnAnswer: func(answer *http.Response) error {
				if compacted.Load() {
					return expired(answer)
				}
				return nil
			}})
			w := watch(t, cp, proxy.Config(), ns)
			proxy.Refuse(true)
			w.delete(t, "AdapterSet", "deleted")
			w.delete(t, "StatefulSet", "workload-gone")
			w.patch(t, "AdapterSet", "changed", `{"spec":{"suspend":true}}`)
			git.MustApply(t, adapterSet("new", "new"))
			w.delete(t, "AdapterSet", "recreated")
			git.MustApply(t, adapterSet("recreated", "recreated"))
			w.delete(t, "AdapterSet", "moved")
			git.MustApply(t, adapterSet("moved", "moved-to"))
			compacted.Store(test.relist)
			proxy.Refuse(false)
			want := []string{
				"changed: AdapterSet", "deleted: AdapterSet", "moved-to: AdapterSet", "moved: AdapterSet", "new: AdapterSet",
				"recreated: AdapterSet", "workload-gone: workload",
			}
			until(t, "all of it to be enqueued", func(context.Context) bool {
				return len(slices.Compact(slices.Sorted(slices.Values(w.peek())))) >= len(want)
			})
			if all := slices.Compact(slices.Sorted(slices.Values(w.take()))); !slices.Equal(all, want) {
				t.Errorf("enqueued was %q, not %q", all, want)
			}
			for name, left := range map[string]bool{"deleted": true, "moved": true, "stays": false, "workload-gone": false, "recreated": false, "moved-to": false} {
				if w.leftTarget(name) != left {
					t.Errorf("%s is left: %t", name, !left)
				}
			}
			service := workload.Target{Kind: workload.Service, Namespace: ns, Name: "recreated"}
			if left := w.Left(w.target("recreated")); left == nil || !slices.Equal(left.Services, []workload.Target{service}) {
				t.Errorf("left is %v, want the Service %v", left, service)
			}
			if w.version(t, "StatefulSet", "workload-gone") != "" || w.version(t, "StatefulSet", "deleted") == "" {
				t.Error("the workload that was deleted is cached, or another is not")
			}
		})
	}
}
