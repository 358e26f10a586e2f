package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// runner is `portside run` as a process of its own.
type runner struct {
	binary
	process *exec.Cmd
	logFile string
	ended   chan struct{}
	err     error // how it ended, once ended is closed
}

// stopPatience is how long the service may take to stop: it has 25 seconds by
// its own account.
const stopPatience = 40 * time.Second

// startRunner runs portside with these arguments until stop, and what it logs
// goes to a file.
func startRunner(b binary, logFile string, args ...string) (*runner, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// It is stopped, never killed: the demo's context ends with Ctrl-C.
	process := b.command(context.Background(), args...)
	process.Stderr = log
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo
	if err := process.Start(); err != nil {
		return nil, err
	}
	s := &runner{binary: b, process: process, logFile: logFile, ended: make(chan struct{})}
	go func() {
		s.err = process.Wait()
		close(s.ended)
	}()
	return s, nil
}

// running is an error once the process has ended.
func (s *runner) running() error {
	select {
	case <-s.ended:
		log, _ := s.log()
		return fmt.Errorf("portside run has ended, and nobody had told it to: %s\n%s", s.process.ProcessState, log)
	default:
		return nil
	}
}

// log is what the service has logged.
func (s *runner) log() (string, error) {
	text, err := os.ReadFile(s.logFile)
	return string(text), err
}

// stop tells the service to stop, as a kubelet does, and waits for it. Its error
// is that it did not end with code 0. Once it has ended stop does nothing.
func (s *runner) stop() error {
	if s.running() != nil {
		return s.err
	}
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-s.ended:
		return s.err
	case <-timer.C:
		_ = s.process.Process.Kill() // it ends, or has ended
		<-s.ended
		return fmt.Errorf("portside run did not stop within %s", stopPatience)
	}
}
