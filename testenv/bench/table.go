package main

import (
	"fmt"
	"math"
	"strings"
)

// columns is the format of a line of 80 columns.
const columns = "%-20s %21s %21s %15s\n"

// table returns the report as text of 80 columns.
func (r *report) table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "portside against read-modify-write, on kube-apiserver %s, %d CPUs\n", r.Server, r.CPUs)
	if len(r.Scenarios) > 0 {
		r.reconcilesTable(&t)
	}
	if r.Service != nil {
		r.Service.table(&t, len(scenarios)+2)
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
	fmt.Fprintf(t, "median (min–max); the ratio is portside / baseline within a repeat\n")
	fmt.Fprintf(t, "StatefulSet: %s\n", r.Workload)
	for i, o := range r.Scenarios {
		fmt.Fprintf(t, "\n%d. %s\n", i+1, o.Scenario)
		if o.Note != "" {
			fmt.Fprintf(t, "%s\n", o.Note)
		}
		fmt.Fprintf(t, columns, "", "portside", "read-modify-write", "ratio")
		for _, c := range o.Figures {
			ratio := "–"
			if c.Ratio != nil {
				ratio = c.Ratio.String()
			}
			fmt.Fprintf(t, columns, c.Figure, c.Portside, c.Baseline, ratio)
		}
	}
	fmt.Fprintf(t, "\n%d. the pure part, for a StatefulSet with ten managedFields entries\n", len(r.Scenarios)+1)
	fmt.Fprintf(t, "%s;\nthe fastest of %d turns in each repeat\n", r.PureWorkload, pureTurns)
	fmt.Fprintf(t, columns, "", "µs", "allocations", "ratio")
	for _, p := range r.Pure {
		fmt.Fprintf(t, columns, p.Part, p.Microseconds, number(float64(p.Allocations)), p.Ratio)
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

// String returns the median, and the spread if there is one.
func (s stat) String() string {
	if number(s.Min) == number(s.Max) {
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), number(s.Min), number(s.Max))
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
