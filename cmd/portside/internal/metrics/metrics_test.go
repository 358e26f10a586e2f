package metrics

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/portside-dev/portside/testenv/vocabulary"
)

// TestPollsCountedFromZero checks that each reason of a poll has a series from the
// start: a rate does not see the first failure of a series that begins with it.
func TestPollsCountedFromZero(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(New().polls)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families: %v", len(families), err)
	}
	var counted []string
	for _, m := range families[0].GetMetric() {
		counted = append(counted, m.GetLabel()[0].GetValue())
		if v := m.GetCounter().GetValue(); v != 0 {
			t.Errorf("%s begins with %v", m, v)
		}
	}
	slices.Sort(counted)
	constants, err := vocabulary.DiscoveryReasons.Constants("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, c := range constants {
		declared = append(declared, c.Value)
	}
	if !slices.Equal(counted, declared) {
		t.Errorf("the counter has the reasons\n%q, and discovery declares\n%q", counted, declared)
	}
}
