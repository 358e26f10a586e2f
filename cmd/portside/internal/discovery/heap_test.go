package discovery_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestIdleTargets measures the memory of a target with one pod that waits for its next
// poll: the heap and the stacks in use. It is not parallel, since it measures the
// whole process.
func TestIdleTargets(t *testing.T) { //nolint:paralleltest // see above
	const (
		targets = 1000
		most    = 4 << 10 // bytes of a target
	)
	server := httptest.NewTLSServer(nil)
	server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, data := range map[string]map[string][]byte{
		"plain":       nil,
		"with login":  {"username": []byte("user"), "password": []byte("password")},
		"with ca.crt": {"access-token": []byte("a-token"), "ca.crt": ca},
	} {
		t.Run(name, func(t *testing.T) {
			pod := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					dittofs.Body(`{"access_token":"an-access-token-of-the-pod","refresh_token":"a-refresh-token-of-the-pod","expires_in":900}`)(w, r)
					return
				}
				dittofs.Adapters("nfs:12049")(w, r)
			})
			s := newStage()
			s.finder.finds(pod)
			s.holds(func() (*corev1.Secret, error) { return withData(data), nil })
			before, goroutines := inUse(), runtime.NumGoroutine()
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- s.Start(ctx) }()
			for i := range targets {
				q := question(types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", i)))
				if data != nil {
					q = withCredentials(q)
				}
				s.Ask(workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: fmt.Sprint("files-", i)}, q)
			}
			s.asked = nil // it is the test's own
			testenv.Eventually(t, "each target to be polled", func(context.Context) error {
				s.clock.Step(time.Second)
				for i := range targets {
					target := workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: fmt.Sprint("files-", i)}
					if a, answered := s.Answer(target); !answered || !a.Met {
						return fmt.Errorf("%s: %+v", target, a)
					}
				}
				return nil
			})
			s.mu.Lock()
			s.polls = map[workload.Target][]ended{}
			s.mu.Unlock()
			var used uint64
			testenv.Eventually(t, "all polls to be idle", func(context.Context) error {
				if more := runtime.NumGoroutine() - goroutines; more > 10 {
					return fmt.Errorf("there are %d more goroutines", more)
				}
				if used = (inUse() - before) / targets; used > most {
					return fmt.Errorf("a target takes %d bytes", used)
				}
				return nil
			})
			t.Logf("a target takes %d bytes", used)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func withData(data map[string][]byte) *corev1.Secret {
	s := secret("true", "")
	s.Data = data
	return s
}

// inUse returns the bytes of the heap and of the stacks that are in use.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // what the first one only finalized
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc + s.StackInuse
}
