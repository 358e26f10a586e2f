package testenv

import (
	"errors"
	"fmt"
	"syscall"
)

// StopAPIServer ends kube-apiserver alone with SIGTERM, as an upgrade does, so that
// it answers the requests under way. Connections are refused until
// [ControlPlane.StartAPIServer]. It is an error if the server does not run.
//
// Not for a control plane that tests share.
func (cp *ControlPlane) StopAPIServer() error {
	cp.serverMu.Lock()
	defer cp.serverMu.Unlock()
	if !cp.serverUp {
		return errors.New("cannot stop kube-apiserver: it does not run")
	}
	return cp.endAPIServer()
}

// KillAPIServer is StopAPIServer with SIGKILL: every connection breaks in the
// middle.
func (cp *ControlPlane) KillAPIServer() error {
	cp.serverMu.Lock()
	defer cp.serverMu.Unlock()
	if !cp.serverUp {
		return errors.New("cannot kill kube-apiserver: it does not run")
	}
	if err := cp.lifeline.kill(binaryAPIServer); err != nil {
		return fmt.Errorf("cannot kill kube-apiserver: %w", err)
	}
	return cp.endAPIServer()
}

// APIServerPID returns the process id of kube-apiserver, for measuring what it costs.
// After a restart it is another one.
func (cp *ControlPlane) APIServerPID() (int, error) {
	pid, err := cp.lifeline.pid(binaryAPIServer)
	if err != nil {
		return 0, fmt.Errorf("cannot find the process of kube-apiserver: %w", err)
	}
	return pid, nil
}

// endAPIServer waits for the end, also of a process that was killed.
func (cp *ControlPlane) endAPIServer() error {
	cp.serverUp = false
	err := cp.env.ControlPlane.APIServer.Stop()
	if errors.Is(err, syscall.ESRCH) { // it has just ended
		return nil
	}
	return err
}

// StartAPIServer runs kube-apiserver again at the same port, with the same
// certificates and flags and the same etcd, and waits until it is healthy. Existing
// configurations and kubeconfig files stay valid. It is an error if the server runs
// already.
func (cp *ControlPlane) StartAPIServer() error {
	cp.serverMu.Lock()
	defer cp.serverMu.Unlock()
	if cp.serverUp {
		return errors.New("cannot start kube-apiserver: it runs already")
	}
	if err := cp.env.ControlPlane.APIServer.Start(); err != nil {
		return fmt.Errorf("cannot start kube-apiserver again: %w", err)
	}
	cp.serverUp = true
	return nil
}
