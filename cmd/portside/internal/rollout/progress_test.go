package rollout_test

import (
	"testing"
	"time"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	at := func(generation int64, replicas, updated, ready int32) workload.Progress {
		return workload.Progress{ObservedGeneration: generation, Replicas: replicas, Updated: updated, Ready: ready, Available: ready}
	}
	const step = 4 * time.Minute
	for name, c := range map[string]struct {
		seen []workload.Progress // one each step
		want time.Duration       // of the last progress
	}{
		"nothing changes":                          {[]workload.Progress{at(1, 3, 1, 2), at(1, 3, 1, 2), at(1, 3, 1, 2)}, 0},
		"a further pod is ready":                   {[]workload.Progress{at(1, 3, 1, 0), at(1, 3, 1, 1), at(1, 3, 1, 2)}, 2 * step},
		"a pod is ready now and then":              {[]workload.Progress{at(1, 3, 1, 2), at(1, 3, 1, 3), at(1, 3, 1, 2), at(1, 3, 1, 3), at(1, 3, 1, 2)}, step},
		"pods come and go":                         {[]workload.Progress{at(1, 3, 3, 0), at(1, 2, 2, 0), at(1, 3, 3, 0), at(1, 2, 2, 0)}, 0},
		"outdated pods come and go":                {[]workload.Progress{at(1, 3, 1, 0), at(1, 2, 1, 0), at(1, 3, 1, 0), at(1, 2, 1, 0)}, step},
		"outdated and updated pods take turns":     {[]workload.Progress{at(1, 5, 3, 0), at(1, 3, 2, 0), at(1, 5, 3, 0), at(1, 3, 2, 0)}, step},
		"pods are replaced one by one":             {[]workload.Progress{at(1, 3, 0, 2), at(1, 3, 1, 2), at(1, 3, 1, 3), at(1, 3, 1, 2), at(1, 3, 2, 2), at(1, 3, 2, 3)}, 5 * step},
		"an outdated pod was deleted":              {[]workload.Progress{at(1, 4, 3, 3), at(1, 3, 3, 3)}, step},
		"another generation begins from the start": {[]workload.Progress{at(1, 3, 2, 3), at(2, 3, 0, 1)}, step},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r rollout.Progress
			for i, progress := range c.seen {
				r.Observe(start.Add(time.Duration(i)*step), workload.Rollout{UnderWay: true, Progress: progress})
			}
			if got := r.StuckAt().Sub(start) - rollout.StuckAfter; got != c.want {
				t.Errorf("the last progress was after %s, not %s", got, c.want)
			}
		})
	}
}

func TestProgressResumeStuck(t *testing.T) {
	t.Parallel()
	stuck := workload.Rollout{UnderWay: true, Progress: workload.Progress{ObservedGeneration: 1, Updated: 1}}
	var r rollout.Progress
	r.ResumeStuck(start, stuck)
	r.Observe(start, stuck)
	if !r.Stuck(start, stuck) {
		t.Error("it is not stuck after a restart")
	}
	stuck.Progress.Ready = 1
	r.Observe(start, stuck)
	if r.Stuck(start, stuck) {
		t.Error("it is stuck although it makes progress")
	}
}
