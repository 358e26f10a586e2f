package main

import (
	"slices"
	"strconv"
)

// chart is a chart of grouped bars.
type chart struct {
	name       string // of its file, without the extension
	title      string
	x, y       string // what the axes show
	categories []string
	series     []series
}

// series are the bars of one colour.
type series struct {
	name string
	// values are by category; a category without a value has no bar.
	values map[string]float64
}

// The names of series that are not ways.
const (
	seriesDeclared   = "declared"
	seriesDiscovered = "discovered"
)

// charts returns the charts of what was measured.
func (r *report) charts() []chart {
	var all []chart
	if len(r.Scenarios) > 0 {
		all = append(all,
			r.sent("requests", "Requests to the workload in a reconcile", "requests", figRequests, figWorkloadRequests),
			r.sent("bytes", "Bytes sent to the workload in a reconcile", "bytes", figBytes, figWorkloadBytes),
			r.cpu(), r.attempts())
	}
	if len(r.Services) > 0 {
		all = append(all, r.settling(), r.memory())
	}
	return all
}

const (
	changesPort    = "one port changes"
	changesNothing = "nothing changes"
)

// sent returns the chart of something that is sent. The service sends what it reports
// for a change of one target, and nothing without a change: else an exact expectation
// fails.
func (r *report) sent(name, title, y, figure, ofService string) chart {
	c := chart{name: name, title: title, y: y, categories: []string{changesPort, changesNothing}}
	for _, way := range r.ways() {
		s := series{way, map[string]float64{}}
		for _, o := range r.Scenarios {
			switch {
			case o.Rival != noRival:
			case o.Changes:
				s.values[changesPort] = o.figure(figure).of(way).Value.Median
			default:
				s.values[changesNothing] = o.figure(figure).of(way).Value.Median
			}
		}
		c.series = append(c.series, s)
	}
	if len(r.Services) > 0 {
		s := r.Services[0]
		c.series = slices.Insert(c.series, 0, series{nameService, map[string]float64{
			changesPort: s.figure(ofService).Median, changesNothing: s.figure(figUnchanged).Median,
		}})
	}
	return c
}

func (r *report) cpu() chart {
	c := chart{name: "cpu", title: "CPU time of a reconcile", y: "ms"}
	of := func(figure, what string) {
		for _, o := range r.Scenarios {
			if o.Rival != noRival {
				continue
			}
			category := what + ", " + changesNothing
			if o.Changes {
				category = what + ", " + changesPort
			}
			c.categories = append(c.categories, category)
			for i, way := range r.ways() {
				if len(c.series) == i {
					c.series = append(c.series, series{way, map[string]float64{}})
				}
				c.series[i].values[category] = o.figure(figure).of(way).Value.Median
			}
		}
	}
	of(figServerCPU, "API server")
	of(figClientCPU, "client")
	return c
}

func (r *report) attempts() chart {
	c := chart{
		name: "attempts", title: "Attempts for a change while another manager writes the workload",
		x: "competing writes a second", y: "attempts for a success",
	}
	for _, o := range r.Scenarios {
		if o.Changes {
			c.categories = append(c.categories, o.Rival.String())
		}
	}
	for _, way := range r.ways() {
		s := series{way, map[string]float64{}}
		for _, o := range r.Scenarios {
			if o.Changes {
				s.values[o.Rival.String()] = o.figure(figAttempts).of(way).Value.Median
			}
		}
		c.series = append(c.series, s)
	}
	return c
}

// settling returns the chart of the times until all targets have their ports.
func (r *report) settling() chart {
	c := chart{
		name: "settling", title: "Time until all targets have their ports, for each target",
		x: "targets", y: "ms a target",
	}
	for _, s := range []struct{ name, figure string }{
		{nameService, figSettled}, {wayBare, figSettledBare}, {wayReadModifyWrite, figSettledRMW},
	} {
		c.series = append(c.series, series{s.name, map[string]float64{}})
		for _, of := range r.Services {
			c.series[len(c.series)-1].values[strconv.Itoa(of.Targets)] = of.figure(s.figure).Median * 1000 / float64(of.Targets)
		}
	}
	for _, of := range r.Services {
		c.categories = append(c.categories, strconv.Itoa(of.Targets))
	}
	return c
}

// memory returns the chart of the resident memory for each target, of adapters that are
// declared and of ones that are discovered.
func (r *report) memory() chart {
	c := chart{name: "memory", title: "Memory of portside run for each target", x: "targets", y: "KiB a target"}
	declared := series{seriesDeclared, map[string]float64{}}
	discovered := series{seriesDiscovered, map[string]float64{}}
	var targets []int
	for _, s := range r.Services {
		targets = append(targets, s.Targets)
		declared.values[strconv.Itoa(s.Targets)] = s.figure(figPerTarget).Median
	}
	for _, d := range r.Discovery {
		if d.Service == nameService {
			targets = append(targets, d.Targets)
			discovered.values[strconv.Itoa(d.Targets)] = d.PerTarget
		}
	}
	slices.Sort(targets)
	for _, n := range slices.Compact(targets) {
		c.categories = append(c.categories, strconv.Itoa(n))
	}
	c.series = append(c.series, declared, discovered)
	return c
}

// ways returns the names of the ways.
func (r *report) ways() []string {
	var names []string
	for _, v := range r.Scenarios[0].figure(figRequests).Ways {
		names = append(names, v.Way)
	}
	return names
}
