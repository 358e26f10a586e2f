// Package metrics has the metrics of the service.
package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// Metrics are what the service counts and measures.
type Metrics struct {
	// Rollouts counts the rollouts that portside caused.
	Rollouts prometheus.Counter
	// Readds counts the applies that added contended ports again.
	Readds prometheus.Counter
	// StatusFailures counts the failed writes of status.
	StatusFailures prometheus.Counter

	reconciles *prometheus.CounterVec
	polls      *prometheus.CounterVec
	pollTime   prometheus.Histogram
	storeTime  prometheus.Histogram
}

const namespace = "portside"

// New returns metrics with all counters at zero.
func New() *Metrics {
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, []string{label})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	m := &Metrics{
		reconciles: counters("reconciles_total", "Total reconciliations, by outcome.", "outcome"),
		polls:      counters("discovery_polls_total", "Total discovery polls, by result.", "reason"),
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
		Rollouts: counter("rollouts_caused_total", "Total rollouts caused by changes of ports."),
		Readds:   counter("contended_port_readds_total", "Total applies that added ports again after another manager removed them."),

		StatusFailures: counter("status_write_failures_total", "Total failed writes of the status of an AdapterSet."),
	}
	for _, o := range []apply.Outcome{apply.Applied, apply.Unchanged, apply.TargetNotFound, apply.ContainerNotFound, apply.Paused, apply.Failed} {
		m.reconciles.WithLabelValues(string(o))
	}
	// A rate needs two samples of a series: it would not count a first failure that
	// begins one.
	for _, r := range discovery.Reasons {
		m.polls.WithLabelValues(string(r))
	}
	return m
}

// Collectors returns all metrics, with those of the cached AdapterSets and of the build.
func (m *Metrics) Collectors(c *cache.Cluster, version string) []prometheus.Collector {
	return []prometheus.Collector{
		m.reconciles, m.polls, m.pollTime, m.storeTime, m.Rollouts, m.Readds, m.StatusFailures, newAdapterSets(c), buildInfo(version),
	}
}

// buildInfo is always 1; its labels are what it reports.
func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help:        "Versions of portside and of the Go that built it; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// Reconciled counts what a request about the ports of a target came to.
func (m *Metrics) Reconciled(r apply.Result) {
	if r.Outcome != "" {
		m.reconciles.WithLabelValues(string(r.Outcome)).Inc()
	}
}

// Stored observes the time from the detection of a change until its ports were stored.
func (m *Metrics) Stored(took time.Duration) { m.storeTime.Observe(took.Seconds()) }

// Polled counts a poll of a source, and observes its duration.
func (m *Metrics) Polled(_ workload.Target, reason discovery.Reason, took time.Duration) {
	m.polls.WithLabelValues(string(reason)).Inc()
	m.pollTime.Observe(took.Seconds())
}
