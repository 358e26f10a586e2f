package mirror

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// slow is a client whose requests are not over when their context is, but when
// it is told: the connection has to be taken down first.
type slow struct {
	client.WithWatch
	underWay atomic.Int64
	over     chan struct{}
}

func (c *slow) List(ctx context.Context, _ client.ObjectList, _ ...client.ListOption) error {
	c.underWay.Add(1)
	defer c.underWay.Add(-1)
	<-ctx.Done()
	<-c.over
	return ctx.Err()
}

func (c *slow) Watch(ctx context.Context, list client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
	return nil, c.List(ctx, list)
}

// TestStartReturnsAfterItsLastRequest: nothing of a mirror that ended asks the
// server or changes what is kept.
func TestStartReturnsAfterItsLastRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pods  bool
		kinds int64
	}{"without pods": {false, 4}, "with pods": {true, 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &slow{over: make(chan struct{})}
				m := New(server, Options{})
				if c.pods {
					m.WatchPods()
				}
				ctx, stop := context.WithCancel(t.Context())
				var ended atomic.Bool
				go func() {
					if err := m.Start(ctx); err != nil {
						t.Errorf("the mirror ended: %v", err)
					}
					ended.Store(true)
				}()
				synctest.Wait()
				if n := server.underWay.Load(); n != c.kinds {
					t.Errorf("%d requests are under way, not one for each of %d kinds", n, c.kinds)
				}
				stop()
				synctest.Wait()
				if ended.Load() {
					t.Errorf("it ended, and %d requests are under way", server.underWay.Load())
				}
				close(server.over)
				synctest.Wait()
				if !ended.Load() || server.underWay.Load() > 0 {
					t.Errorf("it ended: %t, and %d requests are under way", ended.Load(), server.underWay.Load())
				}
			})
		})
	}
}
