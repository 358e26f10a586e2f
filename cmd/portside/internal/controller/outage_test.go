package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/portside-dev/portside/testenv"
)

// outage is an API server that answers some requests with a code, or breaks the
// connection where that is 0, while it is on.
type outage struct {
	of   func(*http.Request) bool
	code int
	on   atomic.Bool
}

// wrap returns the configuration of clients that meet the outage.
func (o *outage) wrap(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			switch {
			case !o.on.Load() || !o.of(r):
				return next.RoundTrip(r)
			case o.code == 0:
				return nil, errors.New("the connection broke")
			}
			return &http.Response{StatusCode: o.code, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// logged collects the errors that a service logs.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, prefix+" "+args)
	}, funcr.Options{})
}

func (l *logged) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// counted returns the value of a counter without labels.
func counted(metrics prometheus.Gatherer, name string) (int, error) {
	families, err := metrics.Gather()
	for _, f := range families {
		if f.GetName() == name {
			return int(f.GetMetric()[0].GetCounter().GetValue()), err
		}
	}
	return 0, errors.Join(err, fmt.Errorf("there is no metric %s", name))
}

// TestStatusOutage changes the adapters while no status can be stored. The ports
// follow all the same, what portside removes itself is no contention, and status
// is up to date a few seconds after the outage.
func TestStatusOutage(t *testing.T) {
	t.Parallel()
	s := stoppedScene(t)
	outage := outage{of: testenv.Is(testenv.VerbApply, "adaptersets/status"), code: http.StatusInternalServerError}
	var log logged
	metrics := prometheus.NewRegistry()
	s.startIn(t, outage.wrap(s.cp.Config()), ctrl.Options{Logger: log.logger()}, func(o *Options) { o.Registry = metrics })
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFSSMB), nfsSMB...)
	history := s.record(t)

	outage.on.Store(true)
	for range 9 {
		s.git.MustApply(t, adapterSet(withNFS))
		s.expectPorts(t, nfs...)
		s.git.MustApply(t, adapterSet(withNFSSMB))
		s.expectPorts(t, nfsSMB2...)
	}
	expectTemplateChanges(t, history, 18)
	testenv.Eventually(t, "more than one write", func(context.Context) error {
		s.clock.Step(time.Second)
		n, err := counted(metrics, "portside_status_write_failures_total")
		if err == nil && n < 2 {
			err = fmt.Errorf("it failed %d times", n)
		}
		return err
	})
	if n := log.count("the status is not stored"); n == 0 {
		t.Error("the failures are not logged")
	}

	outage.on.Store(false)
	over := s.clock.Now()
	testenv.Eventually(t, "status of the last generation", func(ctx context.Context) error {
		s.clock.Step(time.Second)
		set, err := s.get(ctx, "files")
		if err == nil && set.Status.ObservedGeneration != set.Generation {
			err = fmt.Errorf("it is of generation %d, not %d", set.Status.ObservedGeneration, set.Generation)
		}
		return err
	})
	if took := s.clock.Now().Sub(over); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	s.expect(t, "Ready", "True", "InPlace")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.expectReady(t, "True", "InPlace", "2/2")
	expectTemplateChanges(t, history, 18)
	s.expectIdle(t)
}
