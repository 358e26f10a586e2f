package testenv

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shared are the control planes that the tests of this binary share. The second has
// the controllers, so that only the tests change resourceVersions in the first.
var shared struct {
	plain, controlled lazyControlPlane
}

// lazyControlPlane starts when a test first needs it.
type lazyControlPlane struct {
	mu      sync.Mutex
	options Options
	cp      *ControlPlane
	err     error
	stopped bool
}

func (l *lazyControlPlane) get() (*ControlPlane, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cp == nil && l.err == nil {
		if l.stopped {
			return nil, fmt.Errorf("the shared control plane was stopped")
		}
		l.cp, l.err = Start(context.Background(), l.options)
	}
	return l.cp, l.err
}

func (l *lazyControlPlane) stop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	if l.cp == nil {
		return nil
	}
	return l.cp.Stop()
}

// Main runs the tests of a package, stops the control planes they shared, and
// exits. It is the whole of a TestMain. With o.Controllers, [Shared] has the
// controllers too.
func Main(m *testing.M, o Options) {
	shared.plain.options = o
	shared.controlled.options = o
	shared.controlled.options.Controllers = true
	go stopOnSignal()
	code := m.Run()
	if !stopShared() && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// stopOnSignal stops the control planes when the run is interrupted: they have
// process groups of their own and would run on.
func stopOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	caught := <-signals
	fmt.Fprintf(os.Stderr, "testenv: %s: stopping the control planes\n", caught)
	stopShared()
	os.Exit(1)
}

func stopShared() (ok bool) {
	ok = true
	for _, l := range []*lazyControlPlane{&shared.plain, &shared.controlled} {
		if err := l.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "testenv: cannot stop the control plane:", err)
			ok = false
		}
	}
	return ok
}

// Shared returns the control plane that the tests of this binary share. The first
// call starts it. Tests that stop servers or change cluster-wide objects need their
// own, see [Own].
func Shared(t testing.TB) *ControlPlane {
	t.Helper()
	return sharedBy(t, &shared.plain)
}

// WithControllers returns the control plane with controllers and pods that the
// tests of this binary share. The first call starts it.
func WithControllers(t testing.TB) *ControlPlane {
	t.Helper()
	if shared.plain.options.Controllers {
		return sharedBy(t, &shared.plain)
	}
	return sharedBy(t, &shared.controlled)
}

// Own starts a control plane for one test, which stops it.
func Own(t testing.TB, o Options) *ControlPlane {
	t.Helper()
	cp, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cp
}

func sharedBy(t testing.TB, l *lazyControlPlane) *ControlPlane {
	t.Helper()
	cp, err := l.get()
	if err != nil {
		t.Fatalf("cannot use the shared control plane: %v", err)
	}
	return cp
}

// Namespace creates a namespace for a test, named after the test. It stays until
// the control plane stops, since removing it would take longer than it is worth. Stop
// deletes it from an existing cluster.
func (cp *ControlPlane) Namespace(t testing.TB) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: namespacePrefix(t.Name())}}
	created, err := cp.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("cannot create the test's namespace: %v", err)
	}
	if cp.Existing() {
		cp.existing.mu.Lock()
		defer cp.existing.mu.Unlock()
		cp.existing.namespaces = append(cp.existing.namespaces, created.Name)
	}
	return created.Name
}

// namespacePrefix returns a test's name as a DNS label, short enough for the suffix
// that the server appends.
func namespacePrefix(test string) string {
	label := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(test))
	if len(label) > 50 {
		label = label[:50]
	}
	return strings.Trim(label, "-") + "-"
}
