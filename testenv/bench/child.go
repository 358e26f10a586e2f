package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv/portside"
)

// child is `portside run` in a process of its own.
type child struct {
	*portside.Process
	began time.Time
	pprof string // address
}

// startChild runs the service on a namespace. It leads at once and writes no Lease.
func startChild(binary string, config *rest.Config, namespace string, more ...string) (*child, error) {
	// A full reconcile asks the server about each target once in its period. A restart
	// has nothing to do with it: of a thousand targets one is due every 36 seconds.
	const noFullPass = "100000h"
	pprof, err := portside.FreeAddress()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	process, err := portside.Program{Path: binary}.Start(config, append([]string{"--full-pass", noFullPass,
		"--watch-namespace", namespace, "--concurrent", strconv.Itoa(atOnce), "--leader-elect=false", "--metrics-secure=false",
		"--pprof-bind-address", pprof}, more...)...)
	return &child{process, began, pprof}, err
}

// stop ends the service as a kubelet does, and returns its CPU time from its start
// to its end.
func (c *child) stop() (cpu time.Duration, err error) {
	err = c.Stop()
	return c.State().UserTime() + c.State().SystemTime(), err
}

// until polls until the condition holds. It is an error if the service ends before
// that.
func (c *child) until(ctx context.Context, every time.Duration, what string, holds func(context.Context) (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		done, err := holds(ctx)
		if done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-c.Ended():
			return fmt.Errorf("the service ended: %s; its log ends with\n%s", c.State(), c.Log.Tail())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; the service's log ends with\n%s", what, ctx.Err(), c.Log.Tail())
		}
	}
}

// ready waits until the service has listed everything that it watches.
func (c *child) ready(ctx context.Context) (time.Time, error) {
	err := c.until(ctx, 2*time.Millisecond, "the service to be ready", func(ctx context.Context) (bool, error) {
		return c.NotReady(ctx) == nil, nil
	})
	return time.Now(), err
}

// rest waits until the service has reconciled each target and is idle.
func (c *child) rest(ctx context.Context, targets int) (time.Time, error) {
	var since time.Time
	var reconciles float64
	err := c.until(ctx, 200*time.Millisecond, "the service to be idle", func(ctx context.Context) (bool, error) {
		now, err := c.metrics(ctx)
		if err != nil {
			return false, err
		}
		busy := now["controller_runtime_active_workers"] + now["workqueue_depth"]
		if n := now["controller_runtime_reconcile_total"]; busy > 0 || int(n) < targets || n != reconciles || since.IsZero() {
			reconciles, since = n, time.Now()
		}
		return time.Since(since) > time.Second, nil
	})
	return since, err
}

// metrics returns the metrics of the service, summed over their labels.
func (c *child) metrics(ctx context.Context) (map[string]float64, error) {
	text, err := c.Scrape(ctx)
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for line := range strings.Lines(text) {
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

// resident returns the resident memory of the process in bytes, after a garbage
// collection, which an idle process makes every two minutes, and once it has not
// shrunk for a while: the Go runtime returns freed memory to the system over time.
func (c *child) resident(ctx context.Context) (float64, error) {
	if code, _, err := portside.Get(ctx, "http://"+c.pprof+"/debug/pprof/heap?gc=1", ""); err != nil || code != http.StatusOK {
		return 0, fmt.Errorf("cannot have the service collect its garbage: %d, %w", code, err)
	}
	var least float64
	var since time.Time
	err := c.until(ctx, 100*time.Millisecond, "the memory of the service to stay the same", func(context.Context) (bool, error) {
		bytes, err := c.ResidentMemory()
		now := float64(bytes)
		if since.IsZero() || now < least-256*1024 {
			least, since = now, time.Now()
		}
		return time.Since(since) > 6*time.Second, err
	})
	return least, err
}
