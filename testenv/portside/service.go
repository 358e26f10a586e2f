package portside

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// Service is a [Process] that ends with a test. When the test fails, its log is
// shown, unless the test killed it.
type Service struct {
	*Process
	t      testing.TB
	killed bool
}

// Run starts the program as a user.
func Run(t testing.TB, p Program, user *rest.Config, args ...string) *Service {
	t.Helper()
	process, err := p.Start(user, args...)
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{Process: process, t: t}
	t.Cleanup(func() {
		process.Kill()
		if t.Failed() && !s.killed {
			t.Logf("%s:\n%s", process.Command(), process.Log.Tail())
		}
	})
	return s
}

// Kill is [Process.Kill].
func (s *Service) Kill() {
	s.killed = true
	s.Process.Kill()
}

// Terminate asks the process to end, as a kubelet does, and returns its exit code.
func (s *Service) Terminate() int {
	s.t.Helper()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("portside had ended before: %v", err)
	}
	return s.ExitCode()
}

// ExitCode waits for the process to end.
func (s *Service) ExitCode() int {
	s.t.Helper()
	testenv.Eventually(s.t, "portside to end", func(context.Context) error {
		if s.Alive() {
			return errors.New("it is still running")
		}
		return nil
	})
	return s.State().ExitCode()
}

// MustLive fails the test if the process has ended.
func (s *Service) MustLive() {
	s.t.Helper()
	if !s.Alive() {
		s.t.Fatalf("portside ended with exit code %d", s.State().ExitCode())
	}
}

// WaitReady waits until /readyz answers 200, which is when the process has read
// the objects that it watches.
func (s *Service) WaitReady() *Service {
	s.t.Helper()
	testenv.Eventually(s.t, "portside to be ready", func(ctx context.Context) error {
		s.MustLive()
		return s.NotReady(ctx)
	})
	return s
}

// WaitLog waits until the log has the text.
func (s *Service) WaitLog(text string) {
	s.t.Helper()
	testenv.Eventually(s.t, fmt.Sprintf("%q in the log", text), func(context.Context) error {
		if s.Log.Contains(text) {
			return nil
		}
		s.MustLive()
		return errors.New("the log does not have it")
	})
}

// CRD is the file of the CustomResourceDefinition of AdapterSets in the main module.
const CRD = "examples/install/crd/portside.dev_adaptersets.yaml"

// InstallCRD installs the CustomResourceDefinition of AdapterSets.
func InstallCRD(t testing.TB, cp *testenv.ControlPlane) {
	t.Helper()
	path, err := testenv.ModuleFile(CRD)
	if err == nil {
		err = cp.InstallCRD(t.Context(), path)
	}
	if err != nil {
		t.Fatal(err)
	}
}
