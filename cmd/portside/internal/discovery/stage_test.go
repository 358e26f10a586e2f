package discovery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	testclock "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

const interval = 30 * time.Second

var files = workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "files"}

// stage is a poller of HTTP sources whose clock, pods and Secret are the test's. It
// runs in a bubble of package synctest, so a step of the clock is over when all
// that it caused is done.
type stage struct {
	*discovery.Poller
	api   *httpapi.API
	clock *testclock.FakeClock
	began time.Time

	finder *finder

	mu      sync.Mutex
	secret  func() (*corev1.Secret, error)
	polls   map[workload.Target][]ended
	changed int
	secrets int // how often it was read
	asked   map[workload.Target]query
}

// query is what a target is asked.
type query struct {
	UID  types.UID
	HTTP v1alpha1.HTTPDiscovery
	// Standing are the adapters whose ports are in place.
	Standing []apply.Adapter
}

// finder finds the pods that the test sets.
type finder struct {
	mu        sync.Mutex
	pods      []discovery.Pod
	readiness discovery.Readiness
	failing   func() error  // the error of Find, if any
	hold      chan struct{} // Find waits for it, or for its context
	forgot    []types.UID
}

// ended is a poll that has ended.
type ended struct {
	at     time.Duration // since the beginning
	reason discovery.Reason
}

func newStage() *stage {
	began := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &stage{clock: testclock.NewFakeClock(began), began: began, finder: &finder{}, polls: map[workload.Target][]ended{}, asked: map[workload.Target]query{}}
	s.api = httpapi.New(httpapi.Options{Now: s.clock.Now, AllowLoopback: true, Pods: s.finder, Secret: s.readSecret})
	s.Poller = discovery.NewPoller(discovery.Options{
		Clock: s.clock,
		Changed: func(workload.Target) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed++
		},
		Observe: func(t workload.Target, reason discovery.Reason, _ time.Duration) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.polls[t] = append(s.polls[t], ended{s.clock.Since(s.began), reason})
		},
	})
	return s
}

// Ask has a target polled.
func (s *stage) Ask(t workload.Target, q query) { s.answer(t, q, true) }

// Outdate reports that a target is not steady.
func (s *stage) Outdate(t workload.Target) { s.answer(t, s.asked[t], false) }

// Answer returns the latest answer of a target.
func (s *stage) Answer(t workload.Target) (discovery.Answer, bool) { return s.Latest(t) }

func (s *stage) answer(t workload.Target, q query, steady bool) {
	s.asked[t] = q
	source, err := s.api.Source(&v1alpha1.AdapterSet{Spec: v1alpha1.AdapterSetSpec{Discovery: &v1alpha1.Discovery{HTTP: &q.HTTP}}})
	if err != nil {
		panic(err)
	}
	s.Poller.Answer(context.Background(), discovery.Query{
		Workload: discovery.Workload{Target: t, UID: q.UID, Container: "server"},
		Source:   source,
		InPlace:  func() []apply.Adapter { return q.Standing },
		Steady:   steady,
	})
}

// play runs a test in a bubble, with a poller that was started and is stopped.
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

// Find implements httpapi.Pods.
func (f *finder) Find(ctx context.Context, _ discovery.Workload, _ intstr.IntOrString) ([]discovery.Pod, discovery.Readiness, error) {
	f.mu.Lock()
	found, readiness := f.pods, f.readiness
	failing, hold := f.failing, f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, discovery.Readiness{}, ctx.Err()
		}
	}
	if failing != nil {
		return nil, discovery.Readiness{}, failing()
	}
	return found, readiness, nil
}

// Forget implements httpapi.Pods.
func (f *finder) Forget(workload types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgot = append(f.forgot, workload)
}

// forgotten returns the workloads that were forgotten, in order.
func (f *finder) forgotten() []types.UID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.forgot)
}

// finds makes Find return these pods.
func (f *finder) finds(pods ...discovery.Pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pods, f.failing = pods, nil
}

// sees makes Find return this readiness.
func (f *finder) sees(r discovery.Readiness) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readiness = r
}

// fails makes Find fail.
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

// holds makes the Secret what get returns.
func (s *stage) holds(get func() (*corev1.Secret, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = get
}

// counts returns how often Changed was called, and the Secret read.
func (s *stage) counts() (changed, secrets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed, s.secrets
}

// advance steps the clock, and waits after each step.
func (s *stage) advance(total, step time.Duration) {
	synctest.Wait()
	for ; total > 0; total -= step {
		s.clock.Step(step)
		synctest.Wait()
	}
}

// next steps the clock until a target was polled n more times.
func (s *stage) next(t *testing.T, target workload.Target, n int) {
	t.Helper()
	for want := len(s.polled(target)) + n; len(s.polled(target)) < want; {
		if s.clock.Since(s.began) > 1000*interval {
			t.Fatalf("%d polls of %s, not %d", len(s.polled(target)), target, want)
		}
		s.advance(time.Second, time.Second)
	}
}

func (s *stage) polled(target workload.Target) []ended {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.polls[target])
}

func question(uid types.UID) query {
	seconds, timeout := int32(interval/time.Second), int32(10)
	return query{UID: uid, HTTP: v1alpha1.HTTPDiscovery{
		Scheme: v1alpha1.SchemeHTTP, Path: "/adapters", IntervalSeconds: &seconds, TimeoutSeconds: &timeout,
	}}
}

func withCredentials(q query) query {
	q.HTTP.CredentialsRef, q.HTTP.LoginPath = &v1alpha1.CredentialsRef{Name: "access"}, "/login"
	return q
}

func secret(label, token string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.CredentialsLabel: label}},
		Data:       map[string][]byte{"access-token": []byte(token)},
	}
}

// serve returns a pod with a server. The server is not part of the bubble.
func serve(t *testing.T, handler http.HandlerFunc) discovery.Pod {
	t.Helper()
	return servePod(t, "files-0", handler)
}

func servePod(t *testing.T, name string, handler http.HandlerFunc) discovery.Pod {
	t.Helper()
	address, port := dittofs.Listen(t, handler)
	return discovery.Pod{Name: name, Address: address, Port: port}
}
