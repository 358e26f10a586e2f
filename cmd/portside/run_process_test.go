package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

const crd = "../../examples/install/crd/portside.dev_adaptersets.yaml"

// service is portside run as a process of its own.
type service struct {
	t       *testing.T
	cmd     *exec.Cmd
	log     logBuffer
	ended   chan struct{} // closed when the process has ended
	health  string        // the address of /healthz and /readyz
	metrics string        // the address of /metrics
	killed  bool          // by the test, so that its log tells nothing
}

// startService starts portside run as a user, and ends it with the test. The
// further arguments go before its own.
func startService(t *testing.T, user *rest.Config, args ...string) *service {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, self, []string{"PORTSIDE_TEST_RUN_MAIN=1"}, user, args...)
}

// startProgram is startService of the program at a path, with these environment
// variables.
func startProgram(t *testing.T, path string, env []string, user *rest.Config, args ...string) *service {
	t.Helper()
	s := &service{t: t, ended: make(chan struct{}), health: freeAddress(t), metrics: freeAddress(t)}
	args = append(slices.Clone(args), "--health-probe-bind-address", s.health, "--metrics-bind-address", s.metrics)
	s.cmd = exec.Command(path, append([]string{"run", "--kubeconfig", kubeconfigOf(t, user)}, args...)...)
	s.cmd.Env = append(slices.Clone(env), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // how it ended is asked of its state
	}()
	t.Cleanup(func() {
		killed := s.killed
		s.kill()
		if t.Failed() && !killed {
			t.Logf("portside %s:\n%s", strings.Join(args, " "), s.log.tail())
		}
	})
	return s
}

func kubeconfigOf(t *testing.T, user *rest.Config) string {
	t.Helper()
	content, err := testenv.KubeconfigOf(user, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kill ends the process as a machine that loses its power does.
func (s *service) kill() {
	s.killed = true
	_ = s.cmd.Process.Kill() // it fails only when the process has ended
	<-s.ended
}

// terminate asks the process to end, as a kubelet does, and returns its exit
// code.
func (s *service) terminate() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("it had ended before: %v", err)
	}
	return s.exitCode()
}

// exitCode waits for the end of the process.
func (s *service) exitCode() int {
	s.t.Helper()
	testenv.Eventually(s.t, "portside to end", func(context.Context) error {
		if s.alive() {
			return errors.New("it runs")
		}
		return nil
	})
	return s.cmd.ProcessState.ExitCode()
}

func (s *service) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// mustLive fails the test when the process has ended.
func (s *service) mustLive() {
	s.t.Helper()
	if !s.alive() {
		s.t.Fatalf("portside ended with exit code %d", s.cmd.ProcessState.ExitCode())
	}
}

// waitReady waits until the process says that it has seen what there is.
func (s *service) waitReady() *service {
	s.t.Helper()
	testenv.Eventually(s.t, "/readyz", func(ctx context.Context) error {
		s.mustLive()
		code, body, err := get(ctx, "http://"+s.health+"/readyz", "")
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("%d: %s", code, body)
		}
		return err
	})
	return s
}

// waitLog waits until the log has a text.
func (s *service) waitLog(text string) {
	s.t.Helper()
	testenv.Eventually(s.t, fmt.Sprintf("%q in the log", text), func(context.Context) error {
		if s.said(text) {
			return nil
		}
		s.mustLive()
		return errors.New("it is not there")
	})
}

func (s *service) said(text string) bool { return strings.Contains(s.log.String(), text) }

// get asks a server of the process, whose certificate nobody vouches for.
func get(ctx context.Context, url, token string) (code int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // G402: it made its certificate up.
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// addresses numbers the addresses given out.
var addresses atomic.Uint32

// freeAddress is where a server can listen: a loopback address of its own, so
// that nobody else comes upon its port before the server does.
func freeAddress(t *testing.T) string {
	t.Helper()
	n := uint32(os.Getpid())*251 + addresses.Add(1)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.255.%d.%d:0", n/254%254, 1+n%254))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// logBuffer takes what a process writes while others read it.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

// tail is the end of it, for an error message.
func (b *logBuffer) tail() string {
	const most = 16 << 10 // bytes
	text := b.String()
	return text[max(0, len(text)-most):]
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
