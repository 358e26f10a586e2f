package portside

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
	"time"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// Process is `portside run` as a process of its own.
type Process struct {
	// Health is the address, host:port, of /healthz and /readyz.
	Health string
	// Metrics is the address, host:port, of /metrics.
	Metrics string
	// Log is everything that the process has written.
	Log Log

	command *exec.Cmd
	folder  string
	ended   chan struct{} // closed when the process has ended
}

// Start runs the program as a user. The arguments follow `run --kubeconfig FILE`
// and precede the addresses to listen at.
func (p Program) Start(user *rest.Config, args ...string) (*Process, error) {
	folder, err := os.MkdirTemp("", "portside-run-")
	if err != nil {
		return nil, err
	}
	s := &Process{folder: folder, ended: make(chan struct{})}
	if err := s.start(p, user, args); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start portside: %w", err), os.RemoveAll(folder))
	}
	return s, nil
}

func (s *Process) start(p Program, user *rest.Config, args []string) error {
	kubeconfig, err := testenv.KubeconfigOf(user, "")
	if err != nil {
		return err
	}
	file := filepath.Join(s.folder, "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return err
	}
	for _, address := range []*string{&s.Health, &s.Metrics} {
		if *address, err = FreeAddress(); err != nil {
			return err
		}
	}
	args = slices.Concat([]string{"run", "--kubeconfig", file}, args,
		[]string{"--health-probe-bind-address", s.Health, "--metrics-bind-address", s.Metrics})
	s.command = exec.Command(p.Path, args...)
	s.command.Env = append(slices.Clone(p.Env), "HOME="+s.folder, "TMPDIR="+s.folder)
	s.command.Stdout, s.command.Stderr = &s.Log, &s.Log
	// A group of its own, so that Ctrl-C in a terminal reaches only its parent.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.command.Start(); err != nil {
		return err
	}
	go func() {
		defer close(s.ended)
		_ = s.command.Wait() // State says how it ended
	}()
	return nil
}

// Alive reports whether the process runs.
func (s *Process) Alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Ended returns a channel that is closed when the process has ended.
func (s *Process) Ended() <-chan struct{} { return s.ended }

// State returns how the process ended, with its exit code and CPU time. It waits
// for the end.
func (s *Process) State() *os.ProcessState {
	<-s.ended
	return s.command.ProcessState
}

// PID returns the process id.
func (s *Process) PID() int { return s.command.Process.Pid }

// Command returns the arguments of the process, for messages.
func (s *Process) Command() string { return "portside " + strings.Join(s.command.Args[1:], " ") }

// stopPatience is how long the process may take to stop: it allows itself 25
// seconds.
const stopPatience = 40 * time.Second

// Stop asks the process to end, as a kubelet does, and waits for it. It is an
// error if the process has ended before, does not end, or exits with another code
// than 0.
func (s *Process) Stop() error {
	if !s.Alive() {
		return fmt.Errorf("portside had ended before it was stopped: %s\n%s", s.State(), s.Log.Tail())
	}
	_ = s.command.Process.Signal(syscall.SIGTERM) // it fails only if the process has just ended
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
		s.Kill()
		return fmt.Errorf("portside did not stop within %s\n%s", stopPatience, s.Log.Tail())
	}
	_ = os.RemoveAll(s.folder)
	if code := s.State().ExitCode(); code != 0 {
		return fmt.Errorf("portside stopped with exit code %d\n%s", code, s.Log.Tail())
	}
	return nil
}

// Kill ends the process at once, as a power failure does. It does nothing if the
// process has ended.
func (s *Process) Kill() {
	_ = s.command.Process.Kill() // it fails only if the process has ended
	<-s.ended
	_ = os.RemoveAll(s.folder)
}

// NotReady returns nil once /readyz answers 200.
func (s *Process) NotReady(ctx context.Context) error {
	code, body, err := Get(ctx, "http://"+s.Health+"/readyz", "")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("/readyz answers %d: %s", code, body)
	}
	return err
}

// Get sends a GET, with a bearer token unless that is empty. The server's
// certificate is not verified: the process makes its own.
func Get(ctx context.Context, url, token string) (code int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // G402: the certificate is self-signed.
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

// FreeAddress returns host:port where a server can listen: a loopback address of
// its own, so that no other process takes the port before the server does.
func FreeAddress() (string, error) {
	n := uint32(os.Getpid())*251 + addresses.Add(1)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.255.%d.%d:0", n/254%254, 1+n%254))
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// Log takes what a process writes while others read it.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends text.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

// String returns the whole log.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tail returns the end of the log, for an error message.
func (l *Log) Tail() string {
	const most = 16 << 10 // bytes
	text := l.String()
	return text[max(0, len(text)-most):]
}

// Contains reports whether the log has the text.
func (l *Log) Contains(text string) bool { return strings.Contains(l.String(), text) }
