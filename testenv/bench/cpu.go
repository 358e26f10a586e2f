package main

import (
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// cpuTime returns the CPU time that a process has used, to a hundredth of a second.
func cpuTime(pid int) (time.Duration, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	stat, err := process.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second)), err
}

// cpuTimes are the CPU times of the API server and of this process, the client.
type cpuTimes struct{ server, client time.Duration }

// cpuTimes returns the CPU times so far.
func (b *reconcileBench) cpuTimes() (t cpuTimes, err error) {
	pid, err := b.cp.APIServerPID()
	if err != nil {
		return t, err
	}
	if t.server, err = cpuTime(pid); err != nil {
		return t, err
	}
	t.client, err = cpuTime(os.Getpid())
	return t, err
}
