package testenv

import (
	"errors"
	"fmt"
	"syscall"
)

// StopAPIServer ends kube-apiserver alone, as its upgrade does: with SIGTERM,
// so that it answers what it has begun. Clients are then refused the connection
// until [ControlPlane.StartAPIServer]. It is an error when it does not run.
//
// Not for a control plane that tests share.
func (cp *ControlPlane) StopAPIServer() error {
	cp.serverMu.Lock()
	defer cp.serverMu.Unlock()
	if !cp.serverUp {
		return errors.New("stopping kube-apiserver: it does not run")
	}
	return cp.endAPIServer()
}

// KillAPIServer is StopAPIServer with SIGKILL: every connection breaks in the
// middle of whatever it carries.
func (cp *ControlPlane) KillAPIServer() error {
	cp.serverMu.Lock()
	defer cp.serverMu.Unlock()
	if !cp.serverUp {
		return errors.New("killing kube-apiserver: it does not run")
	}
	if err := cp.lifeline.kill(binaryAPIServer); err != nil {
		return fmt.Errorf("killing kube-apiserver: %w", err)
	}
	return cp.endAPIServer()
}

// endAPIServer waits for the end, of a process that was killed too.
func (cp *ControlPlane) endAPIServer() error {
	cp.serverUp = false
	err := cp.env.ControlPlane.APIServer.Stop()
	if errors.Is(err, syscall.ESRCH) { // it ended just before it was asked to
		return nil
	}
	return err
}

// StartAPIServer runs kube-apiserver again, at the same port, with the same
// certificates and flags, on what etcd has kept, and returns when it is healthy.
// Configurations and kubeconfig files are as good as before. It is an error when
// it runs already.
func (cp *ControlPlane) StartAPIServer() error {
	cp.serverMu.Lock()
	defer cp.serverMu.Unlock()
	if cp.serverUp {
		return errors.New("starting kube-apiserver: it runs already")
	}
	if err := cp.env.ControlPlane.APIServer.Start(); err != nil {
		return fmt.Errorf("starting kube-apiserver again: %w", err)
	}
	cp.serverUp = true
	return nil
}
