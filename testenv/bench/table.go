package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The formats of a line of at most 80 columns.
const (
	label   = "%-18s"
	column  = "%*s"
	columns = "%-20s %21s %21s %15s\n"
)

// shortNames are the names of ways that do not fit in a column.
var shortNames = map[string]string{wayReadModifyWrite: "RMW"}

func shortName(way string) string {
	if short, ok := shortNames[way]; ok {
		return short
	}
	return way
}

// compared are the figures whose ratios the table has. Those of the others can be read
// off at a glance.
var compared = []string{figBytes, figServerCPU, figClientCPU, figTime}

// table returns the report as text of 80 columns.
func (r *report) table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "go -C testenv/bench run . %s\n\n", strings.Join(r.Arguments, " "))
	fmt.Fprintf(&t, "portside compared with other ways, on kube-apiserver %s, %d CPUs\n", r.Server, r.CPUs)
	if len(r.Scenarios) > 0 {
		r.reconcilesTable(&t)
	}
	for i, s := range r.Services {
		s.table(&t, firstService+i)
	}
	if len(r.Discovery) > 0 {
		discoveryTable(&t, r.Discovery)
	}
	fmt.Fprintf(&t, "\nexpected\n")
	for _, e := range r.Expectations {
		fmt.Fprintf(&t, "%-8s %-47s %7s (%s)\n", e.verdict(), e.Text, e.Figure, e.Bound)
	}
	return t.String()
}

// reconcilesTable writes the figures of the single reconcile and of its pure part.
func (r *report) reconcilesTable(t *strings.Builder) {
	fmt.Fprintf(t, "%d repeats of %d reconciles each, in turn; figures are of one reconcile\n", r.Repeats, r.Reconciles)
	fmt.Fprintf(t, "median, and min–max below; ratio is portside's by that way's in a repeat\n")
	for _, name := range slices.Sorted(maps.Keys(shortNames)) {
		fmt.Fprintf(t, "%s: %s\n", shortNames[name], name)
	}
	fmt.Fprintf(t, "StatefulSet: %s\n", r.Workload)
	for i, o := range r.Scenarios {
		fmt.Fprintf(t, "\n%d. %s\n", i+1, o.Scenario)
		if o.Note != "" {
			fmt.Fprintf(t, "%s\n", o.Note)
		}
		o.columns(t)
	}
	fmt.Fprintf(t, "\n%d. the pure part, for a StatefulSet with ten managedFields entries\n", pureSection)
	fmt.Fprintf(t, "%s;\nthe fastest of %d turns in each repeat\n", r.PureWorkload, pureTurns)
	fmt.Fprintf(t, columns, "", "µs", "allocations", "ratio")
	for _, p := range r.Pure {
		fmt.Fprintf(t, columns, p.Part, p.Microseconds, number(float64(p.Allocations)), p.Ratio)
	}
}

// columns writes a line for each figure with a column for each way, and lines for its
// spread and ratios where it has some.
func (o outcome) columns(t *strings.Builder) {
	line := func(name string, ways []wayValue, cell func(wayValue) string) {
		fmt.Fprintf(t, label, name)
		for _, v := range ways {
			fmt.Fprintf(t, column, max(12, len(shortName(v.Way))+1), cell(v))
		}
		t.WriteString("\n")
	}
	if len(o.Figures) > 0 {
		line("", o.Figures[0].Ways, func(v wayValue) string { return shortName(v.Way) })
	}
	for _, c := range o.Figures {
		line(c.Figure, c.Ways, func(v wayValue) string { return number(v.Value.Median) })
		if slices.ContainsFunc(c.Ways, func(v wayValue) bool { return v.Value.spread() != "" }) {
			line("", c.Ways, func(v wayValue) string { return v.Value.spread() })
		}
		if slices.Contains(compared, c.Figure) {
			line("  ratio", c.Ways, func(v wayValue) string {
				if v.Ratio == nil {
					return ""
				}
				return number(v.Ratio.Median)
			})
		}
	}
}

// The numbers of the sections after those of the scenarios.
var (
	pureSection  = len(scenarios) + 1
	firstService = pureSection + 1
)

// discoveryTable writes a line for each number of targets.
func discoveryTable(t *strings.Builder, figures []discoveredFigure) {
	fmt.Fprintf(t, "\nthe service with discovery, a pod each that is polled every 30 s\nmemory after a minute at rest; CPU is that of the minute\n")
	fmt.Fprintf(t, "%-40s %18s %18s\n", "", "KiB a target", "CPU, s")
	for _, f := range figures {
		fmt.Fprintf(t, "%-40s %18s %18s\n", fmt.Sprintf("%s, %d targets", f.Service, f.Targets), number(f.PerTarget), number(f.CPU))
	}
}

// table writes the figures of the service, one a line.
func (r *serviceReport) table(t *strings.Builder, section int) {
	fmt.Fprintf(t, "\n%d. the service, with %d StatefulSets, %d at once; each of\n%s\n", section, r.Targets, r.AtOnce, r.Workload)
	for _, g := range r.Groups {
		fmt.Fprintf(t, "\n%s\n%s\n", g.Title, g.Note)
		for _, f := range g.Figures {
			fmt.Fprintf(t, "%-48s %31s\n", f.Name, f.Value)
		}
	}
}

func (e expectation) verdict() string {
	if e.Met {
		return "ok"
	}
	return "NOT MET"
}

// spread returns the minimum and the maximum, or an empty string if they are written
// the same.
func (s stat) spread() string {
	if number(s.Min) == number(s.Max) {
		return ""
	}
	return number(s.Min) + "–" + number(s.Max)
}

// String returns the median, and the spread if there is one.
func (s stat) String() string {
	if spread := s.spread(); spread != "" {
		return number(s.Median) + " (" + spread + ")"
	}
	return number(s.Median)
}

// number returns at least three digits, and two decimals of a small number.
func number(v float64) string {
	decimals := 2
	switch a := math.Abs(v); {
	case a >= 100:
		decimals = 0
	case a >= 10:
		decimals = 1
	}
	return fmt.Sprintf("%.*f", decimals, v)
}
