package main

import (
	"fmt"
	"math"

	"github.com/portside-dev/portside/testenv"
)

const (
	// mostBytes is the largest share of read-modify-write's bytes that a reconcile of
	// portside may send.
	mostBytes = 0.2
	// mostPure is the longest time of the pure part, as a multiple of fieldpath's
	// alone.
	mostPure = 1.3

	// The longest times of the service until all workloads have their ports, as
	// multiples of the time of ready-made PATCH requests and of read-modify-write.
	mostByBare = 1.15
	mostByRMW  = 0.8
	// mostPerTarget is how much memory a target may cost, in KiB.
	mostPerTarget = 8
	// mostServiceBytes is how many bytes a change of a Service port may send.
	mostServiceBytes = 400
)

// expectation is an expected bound of a figure.
type expectation struct {
	Text   string `json:"text"`
	Figure string `json:"figure"`
	Bound  string `json:"bound"`
	Met    bool   `json:"met"`
	// Exact reports that the figure does not depend on the machine, so that the run
	// fails if the expectation is not met.
	Exact bool `json:"exact"`
}

func (r *report) expect() []expectation {
	var all []expectation
	for i, o := range r.Scenarios {
		all = append(all, o.expect(i+1)...)
	}
	if len(r.Scenarios) > 0 {
		protobuf := r.Scenarios[0].figure(figBytes).of(wayPortside).Value.Max / float64(r.ProtobufBody)
		all = append(all, atMost("1: bytes sent, by one such update in protobuf", protobuf, mostBytes, true))
	}
	for _, p := range r.Pure {
		if p.Part == partDecide {
			all = append(all, atMost(fmt.Sprintf("%d: the pure part, by fieldpath alone", pureSection), p.Ratio.Median, mostPure, false))
		}
	}
	for i, s := range r.Services {
		all = append(all, s.expect(firstService+i)...)
	}
	return all
}

// expect returns what is expected of portside in a scenario. That no way sends less
// holds for a change only: without one, read-modify-write and CreateOrPatch send a GET
// and no write, which is less than portside's GET and apply. The service sends nothing
// then, which is expected of it.
func (o outcome) expect(section int) []expectation {
	portside := func(figure string) stat { return o.figure(figure).of(wayPortside).Value }
	reads, writes, total := portside(testenv.VerbGet), portside(testenv.VerbApply), portside(figRequests)
	all := []expectation{
		{
			Text:   fmt.Sprintf("%d: one write a reconcile", section),
			Figure: number(writes.Max), Bound: "1.00", Exact: true,
			Met: exactly(writes, 1),
		},
		{
			Text:   fmt.Sprintf("%d: no read but the one of the target", section),
			Figure: number(total.Max - writes.Max), Bound: "1.00", Exact: true,
			Met: exactly(reads, 1) && exactly(total, 2),
		},
	}
	if o.Rival != noRival {
		attempts := portside(figAttempts)
		all = append(all, expectation{
			Text:   fmt.Sprintf("%d: attempts for a success", section),
			Figure: number(attempts.Max), Bound: "1.00", Exact: true,
			Met: exactly(attempts, 1) && exactly(portside(figRestarts), 0),
		})
	}
	if o.Changes {
		all = append(all,
			o.fewest(section, "no way but bare PATCH sends fewer requests", figRequests),
			o.fewest(section, "no way but bare PATCH sends fewer bytes", figBytes),
			atMost(fmt.Sprintf("%d: bytes sent, by read-modify-write's", section), o.figure(figBytes).of(wayReadModifyWrite).Ratio.Max, mostBytes, true))
	}
	return all
}

// fewest expects that portside has the least of a figure, or as little as another way.
// The bare PATCH does not count, because it is no way to keep ports.
func (o outcome) fewest(section int, text, figure string) expectation {
	c := o.figure(figure)
	least := math.Inf(1)
	for _, v := range c.Ways {
		if v.Way != wayPortside && v.Way != wayBare {
			least = min(least, v.Value.Min)
		}
	}
	return atMost(fmt.Sprintf("%d: %s", section, text), c.of(wayPortside).Value.Max, least, true)
}

func (r *serviceReport) expect(section int) []expectation {
	exact := func(text, figure string, value float64) expectation {
		s := r.figure(figure)
		return expectation{
			Text: fmt.Sprintf("%d: %s", section, text), Figure: number(s.Max), Bound: number(value),
			Exact: true, Met: exactly(s, value),
		}
	}
	return []expectation{
		atMost(fmt.Sprintf("%d: all have ports, by a bare PATCH of each", section), r.figure(figByBare).Median, mostByBare, false),
		atMost(fmt.Sprintf("%d: all have ports, by read-modify-write", section), r.figure(figByRMW).Median, mostByRMW, false),
		exact("no write after a restart with nothing to do", figWrites, 0),
		exact("one request to a workload for a change", figWorkloadRequests, 1),
		exact("no request where nothing changes", figUnchanged, 0),
		exact("one request for a change of a Service port", figServiceRequests, 1),
		atMost(fmt.Sprintf("%d: bytes of it", section), r.figure(figServiceBytes).Max, mostServiceBytes, true),
		exact("no request to a Service that is unchanged", figServiceUnchanged, 0),
		atMost(fmt.Sprintf("%d: memory for each target, KiB", section), r.figure(figPerTarget).Median, mostPerTarget, false),
	}
}

func exactly(s stat, value float64) bool { return s.Min == value && s.Max == value }

func atMost(text string, figure, bound float64, exact bool) expectation {
	return expectation{Text: text, Figure: number(figure), Bound: "at most " + number(bound), Met: figure <= bound, Exact: exact}
}
