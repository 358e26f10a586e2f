package cache

import (
	"context"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func TestLeftTargets(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	for _, test := range []struct {
		name string
		do   func(*testing.T, *watched)
		left bool
	}{
		{"its only AdapterSet is deleted", func(t *testing.T, w *watched) { t.Helper(); w.delete(t, "AdapterSet", "a") }, true},
		{"one of two is deleted", func(t *testing.T, w *watched) {
			t.Helper()
			w.git.MustApply(t, adapterSet("b", "files"))
			w.expect(t, "files: AdapterSet")
			w.delete(t, "AdapterSet", "a")
		}, false},
		{"a suspended one is deleted", func(t *testing.T, w *watched) {
			t.Helper()
			w.patch(t, "AdapterSet", "a", `{"spec":{"suspend":true}}`)
			w.expect(t, "files: AdapterSet")
			w.delete(t, "AdapterSet", "a")
		}, false},
		{"it is created again", func(t *testing.T, w *watched) {
			t.Helper()
			w.delete(t, "AdapterSet", "a")
			w.expect(t, "files: AdapterSet")
			w.git.MustApply(t, adapterSet("a", "files"))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, cp, cp.Config(), cp.Namespace(t))
			w.git.MustApply(t, adapterSet("a", "files"))
			w.expect(t, "files: AdapterSet")
			test.do(t, w)
			w.expect(t, "files: AdapterSet")
			if w.leftTarget("files") != test.left {
				t.Fatalf("left: %t", !test.left)
			}
			w.GaveUp(w.target("files"), w.Left(w.target("files")))
			if w.Left(w.target("files")) != nil {
				t.Error("it is left after its ports were given up")
			}
		})
	}
}

// leftTarget reports whether a target is left.
func (w *watched) leftTarget(name string) bool {
	left := w.Left(w.target(name))
	return left != nil && left.Target
}

// TestGaveUpFormer: what is left behind while something else is given up stays noted.
func TestGaveUpFormer(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	w := watch(t, cp, cp.Config(), cp.Namespace(t))
	deleteSet := func(service string) {
		w.git.MustApply(t, adapterSet("a", "files", fixture.Spec("services: [{name: "+service+"}]")))
		until(t, "the AdapterSet", func(context.Context) bool { return w.version(t, "AdapterSet", "files") != "" })
		w.delete(t, "AdapterSet", "a")
		until(t, "the target to be left", func(context.Context) bool { return w.leftTarget("files") })
	}
	w.GaveUp(w.target("files"), w.Left(w.target("files"))) // nothing is left behind yet
	deleteSet("first")
	former := w.Left(w.target("files"))
	deleteSet("second")
	w.GaveUp(w.target("files"), former)
	if !w.leftTarget("files") {
		t.Fatal("nothing is left")
	}
	w.GaveUp(w.target("files"), w.Left(w.target("files")))
	if left := w.Left(w.target("files")); left != nil {
		t.Errorf("%v is left", left)
	}
}

// TestLeftWorkload: a workload that was left while it was paused is enqueued, since
// its ports can be given up once it is not.
func TestLeftWorkload(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	w := watch(t, cp, cp.Config(), cp.Namespace(t))
	w.git.MustApply(t, workloadOf("StatefulSet", "files"))
	w.git.MustApply(t, adapterSet("files", "files"))
	until(t, "both", func(context.Context) bool {
		return w.version(t, "StatefulSet", "files") != "" && w.version(t, "AdapterSet", "files") != ""
	})
	w.delete(t, "AdapterSet", "files")
	until(t, "the target to be left", func(context.Context) bool { return w.leftTarget("files") })
	w.expectLast(t, "files: AdapterSet")
	w.patch(t, "StatefulSet", "files", `{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`)
	w.expect(t, "files: workload")
	w.GaveUp(w.target("files"), w.Left(w.target("files")))
	w.patchCached(t, "StatefulSet", `{"metadata":{"annotations":{"portside.dev/paused":null}}}`)
	w.expectNothing(t, "a change of a workload whose ports were given up")
}
