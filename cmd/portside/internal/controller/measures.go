package controller

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
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
		passes: counters("reconciles_total", "Total reconciliations, by outcome.", "outcome"),
		polls:  counters("discovery_polls_total", "Total discovery polls, by result.", "reason"),
		pollTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "discovery_duration_seconds",
			Help:    "Duration of a discovery poll, from its start to the last answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}),
		storeTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "port_change_duration_seconds",
			Help:    "Time from the detection of a change of adapters until its ports were stored, including the stabilization window.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 16),
		}),
		rollouts: counter("rollouts_caused_total", "Total rollouts caused by changes of ports."),
		readds:   counter("contended_port_readds_total", "Total applies that added ports again after another manager removed them."),

		statusFailures: counter("status_write_failures_total", "Total failed writes of the status of an AdapterSet."),
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
		Help:        "Versions of portside and of the Go that built it; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

func (s *measures) passed(r apply.Result) {
	if r.Outcome != "" {
		s.passes.WithLabelValues(string(r.Outcome)).Inc()
	}
}

func (s *measures) stored(took time.Duration) { s.storeTime.Observe(took.Seconds()) }

func (s *measures) polled(_ workload.Target, reason discovery.Reason, took time.Duration) {
	s.polls.WithLabelValues(string(reason)).Inc()
	s.pollTime.Observe(took.Seconds())
}
