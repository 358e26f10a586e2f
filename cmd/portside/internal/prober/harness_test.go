package prober_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/prober"
)

const interval = 30 * time.Second

var files = workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "files"}

// stage is a prober with everything about it in the hands of a test. It runs in
// a bubble of package synctest, so a step of the clock is over when all that it
// set off has come to rest.
type stage struct {
	*prober.Prober
	clock *testclock.FakeClock
	began time.Time

	finder *finder

	mu      sync.Mutex
	secret  func() (*corev1.Secret, error)
	polls   map[workload.Target][]poll
	changed int
	secrets int // how often it was read
}

// finder gives the pods that a test gives it.
type finder struct {
	mu        sync.Mutex
	pods      []discovery.Pod
	readiness discovery.Readiness
	failing   func() error  // what Find fails with, if anything
	hold      chan struct{} // Find waits for it, or for its context
	forgot    []types.UID
}

// poll is one that has ended.
type poll struct {
	at     time.Duration // since the beginning
	reason discovery.Reason
}

func newStage() *stage {
	began := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &stage{clock: testclock.NewFakeClock(began), began: began, finder: &finder{}, polls: map[workload.Target][]poll{}}
	s.Prober = prober.New(prober.Options{
		Clock:   s.clock,
		Clients: discovery.NewClients(discovery.Options{Now: s.clock.Now, AllowLoopback: true}),
		Secret:  s.readSecret,
		Pods:    s.finder,
		Changed: func(workload.Target) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed++
		},
		Observe: func(t workload.Target, reason discovery.Reason, _ time.Duration) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.polls[t] = append(s.polls[t], poll{s.clock.Since(s.began), reason})
		},
	})
	return s
}

// play runs a test in a bubble, with a prober that was started and is stopped.
func play(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Start(ctx) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		test(t, s)
	})
}

// Find implements prober.PodFinder.
func (f *finder) Find(ctx context.Context, _ workload.Target, _ prober.Question) (discovery.Pods, error) {
	f.mu.Lock()
	found := discovery.Pods{Ask: f.pods, Readiness: f.readiness}
	failing, hold := f.failing, f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return discovery.Pods{}, ctx.Err()
		}
	}
	if failing != nil {
		return discovery.Pods{}, failing()
	}
	return found, nil
}

// Forget implements prober.PodFinder.
func (f *finder) Forget(workload types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgot = append(f.forgot, workload)
}

// forgotten are the workloads that were forgotten, in order.
func (f *finder) forgotten() []types.UID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.forgot)
}

// finds has it find these pods from now on.
func (f *finder) finds(pods ...discovery.Pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pods, f.failing = pods, nil
}

// sees has the workload be so ready from now on.
func (f *finder) sees(r discovery.Readiness) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readiness = r
}

// fails has it fail from now on.
func (f *finder) fails(failing func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = failing
}

func (s *stage) readSecret(_ context.Context, name types.NamespacedName) (*corev1.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := (types.NamespacedName{Namespace: "storage", Name: "access"}); name != want {
		return nil, fmt.Errorf("the Secret %s was asked for", name)
	}
	s.secrets++
	return s.secret()
}

// holds has the Secret be what get gives, from now on.
func (s *stage) holds(get func() (*corev1.Secret, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = get
}

// counts are how often Changed was called, and the Secret read.
func (s *stage) counts() (changed, secrets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed, s.secrets
}

// pass lets time pass, a step at a time.
func (s *stage) pass(total, step time.Duration) {
	synctest.Wait()
	for ; total > 0; total -= step {
		s.clock.Step(step)
		synctest.Wait()
	}
}

// next lets time pass until a target was polled n times more.
func (s *stage) next(t *testing.T, target workload.Target, n int) {
	t.Helper()
	for want := len(s.polled(target)) + n; len(s.polled(target)) < want; {
		if s.clock.Since(s.began) > 1000*interval {
			t.Fatalf("%d polls of %s, not %d", len(s.polled(target)), target, want)
		}
		s.pass(time.Second, time.Second)
	}
}

func (s *stage) polled(target workload.Target) []poll {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.polls[target])
}

func question(uid types.UID) prober.Question {
	seconds, timeout := int32(interval/time.Second), int32(10)
	return prober.Question{UID: uid, Container: "server", HTTP: v1alpha1.HTTPDiscovery{
		Scheme: v1alpha1.SchemeHTTP, Path: "/adapters", IntervalSeconds: &seconds, TimeoutSeconds: &timeout,
	}}
}

func withCredentials(q prober.Question) prober.Question {
	q.HTTP.CredentialsRef = &v1alpha1.CredentialsRef{Name: "access"}
	return q
}

func secret(label, token string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.CredentialsLabel: label}},
		Data:       map[string][]byte{"access-token": []byte(token)},
	}
}

// serve is a pod at which a server answers. It is not of the bubble.
func serve(t *testing.T, handler http.HandlerFunc) discovery.Pod {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	return discovery.Pod{Name: "files-0", Address: at.Addr().String(), Port: int32(at.Port())}
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}
