package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// requestReconcile requests a reconcile of the AdapterSet files, as a user does.
func (s *scene) requestReconcile(t *testing.T, at string) {
	t.Helper()
	s.patch(t, "AdapterSet", fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.RequestedAtAnnotation, at))
}

// expectHandled waits until status has a request as handled.
func (s *scene) expectHandled(t *testing.T, at string) {
	t.Helper()
	testenv.Eventually(t, "the request "+at+" is handled", func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err == nil && set.Status.LastHandledReconcileAt != at {
			err = fmt.Errorf("status has %q", set.Status.LastHandledReconcileAt)
		}
		return err
	})
}

// TestRequest annotates an AdapterSet to request a reconcile. Neither a restart nor
// the same value repeats it.
func TestRequest(t *testing.T) {
	t.Parallel()
	t.Run("ends_contention", func(t *testing.T) {
		t.Parallel()
		const first, second = "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z"
		s, operator := contended(t)
		s.exhaust(t, operator)
		advice := "to try again now, run portside reconcile -n " + s.ns + " adapterset/files;"
		if message := s.expect(t, "Stalled", "True", "Contended"); !strings.Contains(message, advice) {
			t.Errorf("the message is %q", message)
		}
		s.requestReconcile(t, first)
		s.expectPorts(t, nfs...)
		s.expect(t, "Ready", "True", "InPlace")
		s.expectPortReason(t, "")
		s.expectHandled(t, first)

		s.exhaust(t, operator) // as often as before
		s.expect(t, "Ready", "False", "Contended")
		s.restart(t)
		s.requestReconcile(t, first)
		s.catchUp(t)
		s.expect(t, "Ready", "False", "Contended")
		s.expectPorts(t, static...)
		s.expectHandled(t, first)

		s.stop()
		s.requestReconcile(t, second)
		s.restart(t)
		s.expectPorts(t, nfs...)
		s.expect(t, "Ready", "True", "InPlace")
		s.expectHandled(t, second)
		s.expectIdle(t)
	})
	t.Run("ends_back-off", func(t *testing.T) {
		t.Parallel()
		s := stoppedScene(t)
		var forbids atomic.Bool
		s.startAs(t, forbidding(s.cp.Config(), &forbids))
		s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
		forbids.Store(true)
		s.git.MustApply(t, adapterSet(withNFSSMB))
		s.expect(t, "Stalled", "True", "Refused")
		forbids.Store(false)
		s.catchUp(t)
		s.expectPorts(t, nfs...) // the clock stands still, so there is no retry
		s.requestReconcile(t, "now")
		s.expectPorts(t, nfsSMB2...)
		s.expect(t, "Ready", "True", "InPlace")
		s.expectHandled(t, "now")
	})
	t.Run("polls_the_source", func(t *testing.T) {
		t.Parallel()
		a := ask(t, 1, 5, false)
		a.resetRequests()
		answer := make(chan struct{})
		active := dittofs.Recorded("both-running")
		a.server.Answer(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-answer:
			case <-r.Context().Done():
			}
			active(w, r)
		})
		before := a.server.Count(dittofs.AdaptersPath)
		a.requestReconcile(t, "now")
		testenv.Eventually(t, "the pod to be asked", func(context.Context) error {
			if a.server.Count(dittofs.AdaptersPath) == before {
				return errors.New("it was not")
			}
			return nil
		})
		a.catchUp(t)
		if at := a.mustGet(t).Status.LastHandledReconcileAt; at != "" {
			t.Errorf("%q is handled before the source has answered", at)
		}
		close(answer)
		a.expectHandled(t, "now")
		testenv.Eventually(t, "a poll, though the clock stands still", func(context.Context) error {
			if n := a.ended() - a.uncounted; n != 1 {
				return fmt.Errorf("there were %d", n)
			}
			return nil
		})
	})
}

// forbidding returns the configuration of clients whose patches of workloads are
// forbidden while it is on.
func forbidding(config *rest.Config, on *atomic.Bool) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if on.Load() && r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/statefulsets/") {
				return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
			}
			return next.RoundTrip(r)
		})
	})
	return config
}
