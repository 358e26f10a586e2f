package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
)

const (
	// quietPatience bounds how long portside may take until everything is as it must be,
	// unless a flag does. It backs off after faults, and the pace of its status has an
	// interval of 30 seconds.
	quietPatience = 3 * time.Minute
	// renewals of the Lease are the clock of a quiet period: it lasts for so many.
	renewals = 4
)

// failure is a violation of the invariants.
type failure struct {
	*history
	round int
	err   error
}

// settle waits until the checks of all sites report nothing, and portside sends nothing but
// renewals of its Lease for as long as a quiet period lasts. It returns the sites that fail,
// which are no longer part of the world, and the errors of the others' requests.
func (w *world) settle(ctx context.Context, sites []*site) (failed map[*site]error, err error) {
	failed = map[*site]error{}
	for {
		last, err := w.awaitQuiet(ctx, sites)
		switch {
		case err == nil:
			return failed, nil
		case !wait.Interrupted(err) || ctx.Err() != nil:
			return failed, err
		case len(last) == 0:
			return failed, fmt.Errorf("an idle service sends requests that are for no history: %q", w.others)
		}
		for s, violation := range last {
			w.log("history %d violates, while %s: %.500s", s.Index, w.leadership(), violation)
			failed[s] = violation
			w.leave(ctx, s)
		}
		sites = slices.DeleteFunc(slices.Clone(sites), func(s *site) bool { return failed[s] != nil })
	}
}

// awaitQuiet waits for a quiet period. If it times out, last are the violations by site.
func (w *world) awaitQuiet(ctx context.Context, sites []*site) (last map[*site]error, err error) {
	report := newProgress(w.log, len(sites))
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, w.patience, false, func(ctx context.Context) (bool, error) {
		if err := w.restartEnded(ctx); err != nil {
			return false, err
		}
		w.noteUnseen(sites)
		violations, now, err := w.checkAll(ctx, sites)
		if err != nil {
			return false, err
		}
		if last = violations; len(last) > 0 {
			report.waiting(last)
			return false, w.deleteOrphans(ctx, now)
		}
		others, err := w.observeIdle(ctx)
		if err != nil {
			return false, err
		}
		if w.others = others; len(others) > 0 {
			last = blame(sites, others)
			report.waiting(last)
			return false, nil
		}
		// The requests of the quiet period changed nothing; what they found is kept.
		violations, now, err = w.checkAll(ctx, sites)
		if err != nil {
			return false, err
		}
		if last = violations; len(last) > 0 {
			return false, nil
		}
		for _, s := range sites {
			s.quiet = now[s.namespace]
		}
		return true, nil
	})
	return last, err
}

// checkAll checks all sites.
func (w *world) checkAll(ctx context.Context, sites []*site) (violations map[*site]error, now map[string]state, err error) {
	if now, err = w.states(ctx); err != nil {
		return nil, nil, err
	}
	violations = map[*site]error{}
	for _, s := range sites {
		if err := s.check(now[s.namespace]); err != nil {
			violations[s] = err
		}
	}
	return violations, now, nil
}

// observeIdle observes the requests of both replicas until the Lease was renewed some
// times, and returns those that are not for the Lease.
func (w *world) observeIdle(ctx context.Context) (others []string, err error) {
	for _, r := range w.replicas {
		r.proxy.Reset()
	}
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, false, func(context.Context) (bool, error) {
		renewed := 0
		others = nil
		for _, r := range w.replicas {
			renewed += r.proxy.CountOf(testenv.VerbPut, "leases")
			for _, line := range r.proxy.Except("PUT leases", "GET leases", testenv.VerbDiscovery) {
				if !strings.HasPrefix(line, testenv.VerbWatch+" ") {
					others = append(others, line)
				}
			}
		}
		return renewed >= renewals || len(others) > 0, nil
	})
	return others, err
}

// blame returns the requests of an idle period by the site that they are for.
func blame(sites []*site, requests []string) map[*site]error {
	violations := map[*site]error{}
	for _, s := range sites {
		for _, request := range requests {
			if strings.Contains(request, "/namespaces/"+s.namespace+"/") {
				violations[s] = fmt.Errorf("an idle service sends %s", request)
			}
		}
	}
	return violations
}

// progress reports now and then what a quiet period waits for.
type progress struct {
	log   func(string, ...any)
	sites int
	next  time.Time
}

const progressInterval = 10 * time.Second

func newProgress(log func(string, ...any), sites int) *progress {
	return &progress{log, sites, time.Now().Add(progressInterval)}
}

func (p *progress) waiting(violations map[*site]error) {
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(progressInterval)
		for s, violation := range violations {
			p.log("waiting for %d of %d histories, such as %d: %.300s", len(violations), p.sites, s.Index, violation)
			return
		}
	}
}
