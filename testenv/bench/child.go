package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// child is `portside run` as it is built, in a process of its own.
type child struct {
	command         *exec.Cmd
	health, metrics string // addresses
	folder          string
	began           time.Time
	said            *tail
	ended           chan struct{}
	err             error // read after ended
}

// startChild runs the service on a namespace. It leads at once: no Lease is
// written.
func startChild(ctx context.Context, binary string, config *rest.Config, namespace string) (*child, error) {
	c := &child{said: &tail{}, ended: make(chan struct{})}
	var err error
	if c.folder, err = os.MkdirTemp("", "portside-bench-"); err != nil {
		return nil, err
	}
	kubeconfig, err := testenv.KubeconfigOf(config, namespace)
	if err == nil {
		err = os.WriteFile(filepath.Join(c.folder, "kubeconfig"), kubeconfig, 0o600)
	}
	for _, address := range []*string{&c.health, &c.metrics} {
		if err == nil {
			*address, err = freeAddress(ctx)
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.folder))
	}
	// A full pass asks the server of each target once in its period, and a restart
	// has nothing to do with it: of a thousand targets one is due every 36 seconds.
	const noFullPass = "100000h"
	c.command = exec.CommandContext(ctx, binary, "run", "--full-pass", noFullPass, "--kubeconfig", filepath.Join(c.folder, "kubeconfig"),
		"--watch-namespace", namespace, "--concurrent", strconv.Itoa(atOnce), "--leader-elect=false",
		"--health-probe-bind-address", c.health, "--metrics-bind-address", c.metrics, "--metrics-secure=false")
	c.command.Stderr = c.said
	c.command.Cancel = func() error { return c.command.Process.Signal(syscall.SIGTERM) }
	c.command.WaitDelay = 30 * time.Second
	c.began = time.Now()
	if err := c.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("the service: %w", err), os.RemoveAll(c.folder))
	}
	go func() {
		defer close(c.ended)
		c.err = c.command.Wait()
	}()
	return c, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// stop ends the service as a cluster does, and returns the CPU time that it
// took from its start to its end.
func (c *child) stop() (cpu time.Duration, err error) {
	defer os.RemoveAll(c.folder)
	_ = c.command.Process.Signal(syscall.SIGTERM) // it may have ended
	<-c.ended
	if c.err != nil {
		return 0, fmt.Errorf("the service: %w; it said\n%s", c.err, c.said)
	}
	return c.command.ProcessState.UserTime() + c.command.ProcessState.SystemTime(), nil
}

// until polls until it is so. It is an error if the service ends before that.
func (c *child) until(ctx context.Context, every time.Duration, what string, is func(context.Context) (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		so, err := is(ctx)
		if so || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-c.ended:
			return fmt.Errorf("the service ended: %w; it said\n%s", c.err, c.said)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; the service said\n%s", what, ctx.Err(), c.said)
		}
	}
}

// ready waits until the service has listed all that it watches: then it begins.
func (c *child) ready(ctx context.Context) (time.Time, error) {
	err := c.until(ctx, 2*time.Millisecond, "the service to be ready", func(ctx context.Context) (bool, error) {
		answer, err := get200(ctx, "http://"+c.health+"/readyz")
		return err == nil && answer != nil, nil // an error: it does not listen yet
	})
	return time.Now(), err
}

// rest waits until each target was looked at and there is nothing more to do.
func (c *child) rest(ctx context.Context, targets int) (time.Time, error) {
	var since time.Time
	var looks float64
	err := c.until(ctx, 200*time.Millisecond, "the service to come to rest", func(ctx context.Context) (bool, error) {
		now, err := c.reads(ctx)
		if err != nil {
			return false, err
		}
		busy := now["controller_runtime_active_workers"] + now["workqueue_depth"]
		if n := now["controller_runtime_reconcile_total"]; busy > 0 || int(n) < targets || n != looks || since.IsZero() {
			looks, since = n, time.Now()
		}
		return time.Since(since) > time.Second, nil
	})
	return since, err
}

// reads are the metrics of the service, summed over their labels.
func (c *child) reads(ctx context.Context) (map[string]float64, error) {
	answer, err := get200(ctx, "http://"+c.metrics+"/metrics")
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for line := range strings.Lines(string(answer)) {
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		if fields := strings.Fields(line); !strings.HasPrefix(line, "#") && len(fields) > 1 {
			if v, err := strconv.ParseFloat(fields[len(fields)-1], 64); err == nil {
				sums[name] += v
			}
		}
	}
	return sums, nil
}

func get200(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return body, err
}

// resident is the memory of the process that is in RAM, in bytes, once it has
// not become less for a while: what was freed goes back to the system in time.
func (c *child) resident(ctx context.Context) (float64, error) {
	var least float64
	var since time.Time
	err := c.until(ctx, 100*time.Millisecond, "the memory of the service to stay", func(context.Context) (bool, error) {
		now, err := residentOf(c.command.Process.Pid)
		if since.IsZero() || now < least-256*1024 {
			least, since = now, time.Now()
		}
		return time.Since(since) > 6*time.Second, err
	})
	return least, err
}

// residentOf reads Rss of smaps_rollup, see proc_pid_smaps(5).
func residentOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var kib float64
		if n, _ := fmt.Sscanf(lines.Text(), "Rss: %f kB", &kib); n == 1 {
			return kib * 1024, nil
		}
	}
	return 0, fmt.Errorf("no Rss in smaps_rollup of %d", pid)
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 4096
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - most; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
