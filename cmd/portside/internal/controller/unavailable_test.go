package controller

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// cutScene is a scene whose connection breaks, while isCut, when the service writes a
// StatefulSet.
type cutScene struct {
	*scene
	isCut atomic.Bool
	cuts  atomic.Int64
}

func newCutScene(t *testing.T) *cutScene {
	t.Helper()
	s := &cutScene{scene: stoppedScene(t)}
	proxy := s.cp.Proxy(t, s.cp.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		if s.isCut.Load() && (testenv.Is(testenv.VerbApply, "statefulsets")(r) || testenv.Is(testenv.VerbPatch, "statefulsets")(r)) {
			s.cuts.Add(1)
			panic(http.ErrAbortHandler) // breaks off this exchange alone
		}
	}})
	s.startAs(t, proxy.Config())
	return s
}

// untilCut waits until this many requests were cut off, and fails the test if there
// are more.
func (s *cutScene) untilCut(t *testing.T, times int64) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%d requests to be cut off", times), func(context.Context) error {
		if n := s.cuts.Load(); n < times {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	s.catchUp(t)
	if n := s.cuts.Load(); n != times {
		t.Errorf("%d requests were cut off, not %d", n, times)
	}
}

// TestApplyUnavailable: while the server cannot be reached, status stays as it is, and
// a change is reported by a message that each retry repeats.
func TestApplyUnavailable(t *testing.T) {
	t.Parallel()
	s := newCutScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	s.isCut.Store(true)
	writes := s.sent.CountOf(testenv.VerbApply, "adaptersets/status")
	s.clock.Step(11 * time.Hour) // a resync is due
	s.untilCut(t, 1)             // writes the status of a new generation
	s.expect(t, "Ready", "True", "InPlace")
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - writes; n != 1 {
		t.Errorf("status was written %d times\n%s", n, &s.sent)
	}

	s.git.MustApply(t, adapterSet(withNFSSMB))
	if message := s.expect(t, "Ready", "False", "Unavailable"); message != "the API server could not be asked; it is tried again" {
		t.Errorf("the message is %q", message)
	}
	s.expect(t, "Stalled", "False", "AsExpected")
	s.untilCut(t, 2)
	s.clock.Step(time.Second)
	s.untilCut(t, 3)
	s.isCut.Store(false)
	s.clock.Step(2 * time.Second)
	s.expect(t, "Ready", "True", "InPlace")
	s.expectPorts(t, nfsSMB2...)
}

// TestReleaseOfContainerUnavailable retries with back-off, not at each change.
func TestReleaseOfContainerUnavailable(t *testing.T) {
	t.Parallel()
	s := newCutScene(t)
	s.allowRename(t)
	set := adapterSet(withNFS, fixture.Spec("container: server"))
	s.setUp(t, statefulSet(onDelete), set, nfs...)
	s.isCut.Store(true)
	s.git.MustApply(t, statefulSet(onDelete, inMain))
	s.expect(t, "Stalled", "True", "ContainerNotFound")
	s.untilCut(t, 1)
	s.clock.Step(time.Second)
	s.untilCut(t, 2)
	s.isCut.Store(false)
	s.clock.Step(2 * time.Second)
	s.expectReleased(t)
}
