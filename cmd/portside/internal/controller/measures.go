package controller

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// measures are the metrics of the service.
type measures struct {
	passes    *prometheus.CounterVec
	requests  *prometheus.CounterVec
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
		passes:   counters("passes_total", "Passes over workloads, by what came of them.", "outcome"),
		requests: counters("apiserver_requests_total", "Requests to the API server but those of the Lease and of events, by verb.", "verb"),
		polls:    counters("discovery_polls_total", "Questions to the pods of a workload, by what came of them.", "reason"),
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

// collectors are all of the metrics, with those of what a mirror holds.
func (s *measures) collectors(m *mirror.Mirror) []prometheus.Collector {
	return []prometheus.Collector{s.passes, s.requests, s.polls, s.pollTime, s.storeTime, s.rollouts, s.readds, s.statusFailures, newStates(m)}
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

// count counts the requests of a client.
func (s *measures) count(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		s.requests.WithLabelValues(verb(request)).Inc()
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// states collects how many ports and AdapterSets are how, from their status.
type states struct {
	mirror     *mirror.Mirror
	ports      *prometheus.Desc
	conditions *prometheus.Desc
}

func newStates(m *mirror.Mirror) *states {
	return &states{
		mirror:     m,
		ports:      prometheus.NewDesc(namespace+"_ports", "Wanted ports, by state.", []string{"state"}, nil),
		conditions: prometheus.NewDesc(namespace+"_adaptersets", "AdapterSets, by the reason of their condition Ready.", []string{"reason"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (s *states) Describe(out chan<- *prometheus.Desc) { out <- s.ports; out <- s.conditions }

// Collect implements prometheus.Collector.
func (s *states) Collect(out chan<- prometheus.Metric) {
	ports, reasons := map[string]float64{}, map[string]float64{}
	for _, state := range []apply.State{apply.Owned, apply.Shared, apply.Shadowed, apply.Blocked, apply.Invalid, "Pending"} {
		ports[string(state)] = 0
	}
	s.mirror.EachAdapterSet(func(set *v1alpha1.AdapterSet) {
		for i := range set.Status.Ports {
			ports[set.Status.Ports[i].State]++
		}
		for _, c := range set.Status.Conditions {
			if c.Type == "Ready" {
				reasons[c.Reason]++
			}
		}
	})
	for state, n := range ports {
		out <- prometheus.MustNewConstMetric(s.ports, prometheus.GaugeValue, n, state)
	}
	for reason, n := range reasons {
		out <- prometheus.MustNewConstMetric(s.conditions, prometheus.GaugeValue, n, reason)
	}
}
