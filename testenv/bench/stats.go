package main

import "slices"

// stat is a median with its spread.
type stat struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// statOf returns the stat of at least one value.
func statOf(values []float64) stat {
	v := slices.Sorted(slices.Values(values))
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + middle) / 2
	}
	return stat{Median: middle, Min: v[0], Max: v[len(v)-1]}
}

// comparison is one figure of both ways. The ratio is portside's divided by the
// baseline's within a repeat, because a slow machine slows both of a repeat. It is
// missing if a value of the baseline is zero.
type comparison struct {
	Figure   string `json:"figure"`
	Portside stat   `json:"portside"`
	Baseline stat   `json:"baseline"`
	Ratio    *stat  `json:"ratio,omitempty"`
}

// compare compares the values of one figure in each repeat.
func compare(figure string, portside, baseline []float64) comparison {
	c := comparison{Figure: figure, Portside: statOf(portside), Baseline: statOf(baseline)}
	ratios := make([]float64, 0, len(portside))
	for i := range portside {
		if baseline[i] == 0 {
			return c
		}
		ratios = append(ratios, portside[i]/baseline[i])
	}
	c.Ratio = new(statOf(ratios))
	return c
}
