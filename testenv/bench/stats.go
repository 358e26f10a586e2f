package main

import "slices"

// stat is a median with its spread.
type stat struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// statOf is the stat of at least one value.
func statOf(values []float64) stat {
	v := slices.Sorted(slices.Values(values))
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + middle) / 2
	}
	return stat{Median: middle, Min: v[0], Max: v[len(v)-1]}
}

// comparison is one figure of both sides. The ratio is portside's by the
// baseline's, taken repeat by repeat: what slows the machine down for a while
// slows both sides of a repeat. It is absent where the baseline has a zero.
type comparison struct {
	Figure   string `json:"figure"`
	Portside stat   `json:"portside"`
	Baseline stat   `json:"baseline"`
	Ratio    *stat  `json:"ratio,omitempty"`
}

// compare takes one figure of each repeat of both sides.
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
