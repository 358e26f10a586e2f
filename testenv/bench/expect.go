package main

import (
	"fmt"

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
	mostPerTarget = 4
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
		portside := func(figure string) stat { return o.figure(figure).of(wayPortside).Value }
		reads, writes, total := portside(testenv.VerbGet), portside(testenv.VerbApply), portside(figRequests)
		all = append(all,
			expectation{
				Text:   fmt.Sprintf("%d: one write a reconcile", i+1),
				Figure: number(writes.Max), Bound: "1.00", Exact: true,
				Met: exactly(writes, 1),
			},
			expectation{
				Text:   fmt.Sprintf("%d: no read but the one of the target", i+1),
				Figure: number(total.Max - writes.Max), Bound: "1.00", Exact: true,
				Met: exactly(reads, 1) && exactly(total, 2),
			})
		if scenarios[i].contended {
			attempts := portside(figAttempts)
			all = append(all, expectation{
				Text:   fmt.Sprintf("%d: attempts per success", i+1),
				Figure: number(attempts.Max), Bound: "1.00", Exact: true,
				Met: exactly(attempts, 1) && exactly(portside(figRestarts), 0),
			})
		}
		if scenarios[i].changes {
			all = append(all, atMost(fmt.Sprintf("%d: bytes sent, by read-modify-write's", i+1), o.figure(figBytes).of(wayReadModifyWrite).Ratio.Max, mostBytes, true))
		}
	}
	if len(r.Scenarios) > 0 {
		protobuf := r.Scenarios[0].figure(figBytes).of(wayPortside).Value.Max / float64(r.ProtobufBody)
		all = append(all, atMost("1: bytes sent, by one such update in protobuf", protobuf, mostBytes, true))
	}
	for _, p := range r.Pure {
		if p.Part == partDecide {
			all = append(all, atMost("4: the pure part, by fieldpath alone", p.Ratio.Median, mostPure, false))
		}
	}
	if r.Service != nil {
		all = append(all, r.Service.expect(len(scenarios)+2)...)
	}
	return all
}

func (r *serviceReport) expect(section int) []expectation {
	writes, perChange, unchanged := r.figure(figWrites), r.figure(figServiceRequests), r.figure(figServiceUnchanged)
	return []expectation{
		atMost(fmt.Sprintf("%d: all have ports, by a bare PATCH of each", section), r.figure(figByBare).Median, mostByBare, false),
		atMost(fmt.Sprintf("%d: all have ports, by read-modify-write", section), r.figure(figByRMW).Median, mostByRMW, false),
		{
			Text:   fmt.Sprintf("%d: no write after a restart with nothing to do", section),
			Figure: number(writes.Max), Bound: "0.00", Exact: true, Met: exactly(writes, 0),
		},
		{
			Text:   fmt.Sprintf("%d: one request for a change of a Service port", section),
			Figure: number(perChange.Max), Bound: "1.00", Exact: true, Met: exactly(perChange, 1),
		},
		atMost(fmt.Sprintf("%d: bytes of it", section), r.figure(figServiceBytes).Max, mostServiceBytes, true),
		{
			Text:   fmt.Sprintf("%d: no request to a Service that is unchanged", section),
			Figure: number(unchanged.Max), Bound: "0.00", Exact: true, Met: exactly(unchanged, 0),
		},
		atMost(fmt.Sprintf("%d: memory for each target, KiB", section), r.figure(figPerTarget).Median, mostPerTarget, false),
	}
}

func exactly(s stat, value float64) bool { return s.Min == value && s.Max == value }

func atMost(text string, figure, bound float64, exact bool) expectation {
	return expectation{Text: text, Figure: number(figure), Bound: "at most " + number(bound), Met: figure <= bound, Exact: exact}
}
