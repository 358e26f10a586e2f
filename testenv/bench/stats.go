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

// comparison is one figure of every way.
type comparison struct {
	Figure string     `json:"figure"`
	Ways   []wayValue `json:"ways"`
}

// wayValue is the value of a figure for one way.
type wayValue struct {
	Way   string `json:"way"`
	Value stat   `json:"value"`
	// Ratio is portside's value divided by this way's within a repeat, because a slow
	// machine slows every way of a repeat. It is missing for portside, and if a value
	// of this way is zero.
	Ratio *stat `json:"ratio,omitempty"`
}

// of returns the value of a way, which is zero if the comparison does not have it.
func (c comparison) of(way string) wayValue {
	for _, v := range c.Ways {
		if v.Way == way {
			return v
		}
	}
	return wayValue{Way: way}
}

// zero reports whether the figure is zero for every way in every repeat.
func (c comparison) zero() bool {
	return !slices.ContainsFunc(c.Ways, func(v wayValue) bool { return v.Value.Max != 0 })
}

// ratio returns the stat of values divided by those of another way, repeat by repeat,
// or nil if one of the other way's is zero.
func ratio(values, by []float64) *stat {
	ratios := make([]float64, len(values))
	for i := range values {
		if by[i] == 0 {
			return nil
		}
		ratios[i] = values[i] / by[i]
	}
	return new(statOf(ratios))
}
