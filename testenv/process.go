package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to end before it is killed.
const stopGrace = 20 * time.Second

// process is a child process whose output goes to a file, for error messages.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{} // closed when the process has ended
	err    error         // how it ended; set before exited is closed
}

func startProcess(path, logFile string, args ...string) (*process, error) {
	out, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own copy of the descriptor
	p := &process{cmd: exec.Command(path, args...), log: logFile, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	// A process group of its own, so that Ctrl-C in a terminal does not end it
	// before its clients.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// stop asks the process to end and waits for it. It kills a process that does not
// end.
func (p *process) stop() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s had ended before it was stopped: %w\n%s", p.name(), p.err, p.tail())
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // to the group; it fails only if the group has just ended
	deadline := time.NewTimer(stopGrace)
	defer deadline.Stop()
	select {
	case <-p.exited:
		return nil
	case <-deadline.C:
		err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.exited
		return errors.Join(fmt.Errorf("%s did not end within %s and was killed", p.name(), stopGrace), err)
	}
}

func (p *process) name() string { return filepath.Base(p.cmd.Path) }

// tail returns the end of the process's log, for an error message.
func (p *process) tail() string {
	const most = 4 << 10 // bytes
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-most):])
}
