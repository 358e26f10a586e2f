package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
)

// sceneCost is the cost of a scene.
type sceneCost struct {
	title     string
	changes   []string // of the pod template, each in words
	podStarts int
	lost      int       // node ports and addresses of the Service
	operator  *recorded // nil if it is not compared
}

func (c sceneCost) print(p *printer) {
	p.linef("  %-60s %7d %7d", c.title, len(c.changes), c.podStarts)
	times := map[string]int{}
	for _, change := range c.changes {
		times[change]++
	}
	for i, change := range c.changes {
		switch first := !slices.Contains(c.changes[:i], change); {
		case first && times[change] > 1:
			p.linef("    %s, %d times", change, times[change])
		case first:
			p.linef("    %s", change)
		}
	}
}

// changes returns the changes of the pod template after the first part of a history.
func changes(history []testenv.Stored, first int) []string {
	var all []string
	for i := max(1, first); i < len(history); i++ {
		if history[i].NewTemplate {
			all = append(all, difference(history[i-1].Ports, history[i].Ports))
		}
	}
	return all
}

// difference describes how a pod of one container changed: its container's name, and its
// ports.
func difference(before, after map[string][]string) string {
	var words []string
	names := [2][]string{slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after))}
	if !slices.Equal(names[0], names[1]) {
		words = append(words, fmt.Sprintf("container %s instead of %s", strings.Join(names[1], ", "), strings.Join(names[0], ", ")))
	}
	was, is := slices.Concat(slices.Collect(maps.Values(before))...), slices.Concat(slices.Collect(maps.Values(after))...)
	for _, port := range was {
		if !slices.Contains(is, port) {
			words = append(words, "-"+port)
		}
	}
	for _, port := range is {
		if !slices.Contains(was, port) {
			words = append(words, "+"+port)
		}
	}
	if len(words) == 0 {
		return "neither the ports nor the container's name"
	}
	return strings.Join(words, ", ")
}

// sum ends the second act: it stops the service, and checks the whole act.
func (l *life) sum(ctx context.Context, costs []sceneCost) error {
	l.out.rule("What restarted pods")
	l.out.linef("")
	l.out.linef("  %-60s %7s %7s", "", "stored", "pods")
	l.out.linef("  %-60s %7s %7s", "scene", "changes", "started")
	for _, c := range costs {
		c.print(l.out)
	}
	cheaper := l.out.compare(costs)
	stored, err := l.history.All(ctx)
	if err != nil {
		return err
	}
	stopped := l.service.Stop()
	free, err := l.leaseFree(ctx)
	if err != nil {
		return err
	}
	return l.out.claims([]claim{
		cheaper,
		l.restarts(stored),
		{"every stored template has Git's static ports", staticOnes(stored)},
		{"the API server refused no request of portside", refusals(l.service.Log.String())},
		{"portside stops with exit code 0 and frees the Lease", errors.Join(stopped, free)},
	})
}

// restarts claims that each pod start is the first, replaces a deleted pod, or follows a
// stored change. A change that went along with another one starts no further pod.
func (l *life) restarts(stored []testenv.Stored) claim {
	changes := testenv.TemplateChanges(stored)
	starts := l.plane.WorkloadPodStarts("StatefulSet", mediaNamespace, workload)
	return claim{
		fmt.Sprintf("%d pods started: the first, %d for a deleted pod, %d for %d changes", starts, l.killed, changes-l.alongside, changes),
		differ(starts, 1+l.killed+changes-l.alongside),
	}
}

func staticOnes(stored []testenv.Stored) error {
	want := []string{api.port, metrics.port, staticNFS.port}
	for _, s := range stored {
		for container := range s.Ports {
			if err := differ(s.StaticPorts(container), want); err != nil {
				return fmt.Errorf("generation %d, container %s: %w", s.Generation, container, err)
			}
		}
		if len(s.Ports) != 1 {
			return fmt.Errorf("generation %d has %d containers", s.Generation, len(s.Ports))
		}
	}
	return nil
}

// refusals returns the lines of the service's log about requests that the API server
// refused.
func refusals(log string) (refused error) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "forbidden") || strings.Contains(line, "denied request") {
			refused = errors.Join(refused, errors.New(strings.TrimSpace(line)))
		}
	}
	return refused
}

// leaseFree returns held if a process holds the Lease.
func (l *life) leaseFree(ctx context.Context) (held, err error) {
	lease, err := l.cluster.client.CoordinationV1().Leases(systemNamespace).Get(ctx, us, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
		return fmt.Errorf("%s holds the Lease", *holder), nil
	}
	return nil, nil
}
