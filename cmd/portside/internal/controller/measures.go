package controller

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// measures are the metrics of the service.
type measures struct {
	passes    *prometheus.CounterVec
	polls     *prometheus.CounterVec
	pollTime  prometheus.Histogram
	storeTime prometheus.Histogram
	rollouts  prometheus.Counter
	readds    prometheus.Counter

	statusFailures prometheus.Counter
}

const namespace = "portside"

func newMeasures() *measures {
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, []string{label})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	s := &measures{
		passes: counters("passes_total", "Passes over workloads, by what came of them.", "outcome"),
		polls:  counters("discovery_polls_total", "Questions to the pods of a workload, by what came of them.", "reason"),
		pollTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "discovery_duration_seconds",
			Help:    "Time from asking the pods of a workload to the last answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}),
		storeTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "port_change_duration_seconds",
			Help:    "Time from when a change of a workload's adapters was seen to when its ports were stored, settle time included.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 16),
		}),
		rollouts: counter("rollouts_caused_total", "Rollouts caused by a change of ports."),
		readds:   counter("fights_readds_total", "Times that ports were added again after somebody took them away."),

		statusFailures: counter("status_write_failures_total", "Writes of the status of an AdapterSet that the API server did not take."),
	}
	for _, o := range []apply.Outcome{apply.Applied, apply.Unchanged, apply.TargetNotFound, apply.ContainerNotFound, apply.Paused, apply.Failed} {
		s.passes.WithLabelValues(string(o))
	}
	// A rate takes two samples of a series: one that is there only from its first
	// failure on would not count that one.
	for _, r := range discovery.Reasons {
		s.polls.WithLabelValues(string(r))
	}
	return s
}

// collectors returns all of the metrics, with those of the cached AdapterSets and of
// the build.
func (s *measures) collectors(c *cache.Cluster, version string) []prometheus.Collector {
	return []prometheus.Collector{s.passes, s.polls, s.pollTime, s.storeTime, s.rollouts, s.readds, s.statusFailures, newStates(c), buildInfo(version)}
}

// buildInfo is always 1; its labels are what it reports.
func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help:        "Version of portside and of Go that it was built with; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

func (s *measures) passed(r apply.Result) {
	if r.Outcome != "" {
		s.passes.WithLabelValues(string(r.Outcome)).Inc()
	}
}

func (s *measures) stored(took time.Duration) { s.storeTime.Observe(took.Seconds()) }

func (s *measures) polled(_ apply.Target, reason discovery.Reason, took time.Duration) {
	s.polls.WithLabelValues(string(reason)).Inc()
	s.pollTime.Observe(took.Seconds())
}
