package main

import (
	"bytes"
	"slices"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
)

// TestOutcome changes one part of a view at a time: each change must break exactly one
// claim.
func TestOutcome(t *testing.T) {
	w := scenes[3].want
	w.reaches = "adapter-nfs:12050"
	for _, test := range []struct {
		name  string
		spoil func(before, now *view)
	}{
		{"a port's number", func(_, now *view) { now.ports[2].port = "nfs:12050/TCP" }},
		{"a port's owner", func(_, now *view) { now.ports[0].owner = us }},
		{"a port too many", func(_, now *view) { now.ports = append(now.ports, adapterSMB) }},
		{"how many ports are in place", func(_, now *view) { now.status.ports = "0/1" }},
		{"the reason of Ready", func(_, now *view) { now.status.ready = "Stabilizing" }},
		{"the reason of Reconciling", func(_, now *view) { now.status.reconciling = "RollingOut" }},
		{"the reason of Discovered", func(_, now *view) { now.status.discovered = "ServerError" }},
		{"a reason before the end", func(_, now *view) { now.onTheWay = []string{"Stabilizing"} }},
		{"an event", func(before, now *view) { before.events = now.events[:1] }},
		{"a change before the scene", func(before, _ *view) { before.stored = append(before.stored, before.stored[1]) }},
		{"a change too many", func(_, now *view) { now.stored = append(now.stored, now.stored[2]) }},
		{"where the Service leads", func(_, now *view) { now.traffic.reaches = "" }},
		{"the node port", func(_, now *view) { now.traffic.nodePort++ }},
		{"the address", func(_, now *view) { now.traffic.address = "10.0.0.2" }},
		{"a pod too many", func(_, now *view) { now.podStarts++ }},
		{"a pod too few", func(before, _ *view) { before.podStarts++ }},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, now := asWantedOf(w)
			if err := failed(w.claims(before, now)); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			test.spoil(&before, &now)
			broken := 0
			for _, c := range w.claims(before, now) {
				if c.err != nil {
					broken++
				}
			}
			if broken != 1 {
				t.Errorf("%d claims do not hold, want 1: %v", broken, failed(w.claims(before, now)))
			}
		})
	}
}

// asWantedOf returns the views before and after a scene that costs one change.
func asWantedOf(w outcome) (before, now view) {
	stored := []testenv.Stored{{Generation: 1}, {Generation: 2, NewTemplate: true}, {Generation: 3, NewTemplate: true}}
	now = view{ports: slices.Clone(w.ports), status: w.status, onTheWay: []string{"Answered", w.onTheWay}, stored: stored, podStarts: 4}
	now.traffic = traffic{nodePort: 30000, address: "10.0.0.1", reaches: w.reaches}
	for _, reason := range w.events {
		now.events = append(now.events, eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Name: reason}, Reason: reason})
	}
	return view{stored: slices.Clone(stored[:2]), podStarts: 3, traffic: now.traffic}, now
}

func TestDifference(t *testing.T) {
	had := map[string][]string{"dittofs": {"api:8080/TCP", "adapter-nfs:12049/TCP"}}
	for name, test := range map[string]struct {
		now  map[string][]string
		want string
	}{
		"a port more":   {map[string][]string{"dittofs": {"api:8080/TCP", "adapter-nfs:12049/TCP", "adapter-smb:445/TCP"}}, "+adapter-smb:445/TCP"},
		"another port":  {map[string][]string{"dittofs": {"api:8080/TCP", "adapter-nfs:2049/TCP"}}, "-adapter-nfs:12049/TCP, +adapter-nfs:2049/TCP"},
		"another name":  {map[string][]string{"server": {"api:8080/TCP"}}, "container server instead of dittofs, -adapter-nfs:12049/TCP"},
		"neither of it": {had, "neither the ports nor the container's name"},
	} {
		if got := difference(had, test.now); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestStaticOnes(t *testing.T) {
	static := []string{api.port, metrics.port, staticNFS.port}
	for name, test := range map[string]struct {
		ports map[string][]string
		wrong bool
	}{
		"as in Git":           {map[string][]string{"server": append(slices.Clone(static), adapterSMB.port)}, false},
		"a port too few":      {map[string][]string{"server": static[:2]}, true},
		"another order":       {map[string][]string{"server": {metrics.port, api.port, staticNFS.port}}, true},
		"a container more":    {map[string][]string{"server": static, "dittofs": static}, true},
		"no container at all": {map[string][]string{}, true},
	} {
		if err := staticOnes([]testenv.Stored{{Ports: test.ports}}); (err != nil) != test.wrong {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPanel prints the blocks that have changed.
func TestPanel(t *testing.T) {
	before := [3][]string{{"$ kubectl get adaptersets", "0/1"}, {"$ portside owners"}, {"generation 1"}}
	after := [3][]string{{"$ kubectl get adaptersets", "1/1"}, {"$ portside owners"}, {"generation 1"}}
	const want = "\n  $ kubectl get adaptersets\n  0/1\n\n  $ portside owners\n\n  generation 1\n" +
		"\n  $ kubectl get adaptersets\n  1/1\n"
	var text bytes.Buffer
	p := &panel{out: &printer{w: &text}}
	p.print(before)
	p.print(before)
	p.print(after)
	if text.String() != want {
		t.Errorf("%q, want\n%q", text.String(), want)
	}
}
