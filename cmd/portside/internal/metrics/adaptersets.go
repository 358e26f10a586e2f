package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// notReported is the reason in metrics of an AdapterSet whose status has no
// condition Ready yet.
const notReported status.ConditionReason = "NotReported"

// adapterSets collects, at each scrape, what the status of AdapterSets reports: how many
// there are in each state, and by name those that have a problem.
type adapterSets struct {
	cluster *cache.Cluster
	ports   *prometheus.Desc
	reasons *prometheus.Desc

	// One series for each AdapterSet that has the problem.
	notReady      *prometheus.Desc
	stalled       *prometheus.Desc
	notDiscovered *prometheus.Desc
}

func newAdapterSets(c *cache.Cluster) *adapterSets {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	object := []string{"namespace", "name", "reason"}
	return &adapterSets{
		cluster:       c,
		ports:         desc("ports", "Ports of workloads and Services, by state.", "state"),
		reasons:       desc("adaptersets", "AdapterSets, by the reason of Ready.", "reason"),
		notReady:      desc("adapterset_not_ready", "1 for each AdapterSet that is not Ready, with the reason.", object...),
		stalled:       desc("adapterset_stalled", "1 for each AdapterSet that is Stalled and needs manual action, with the reason.", object...),
		notDiscovered: desc("adapterset_not_discovered", "1 for each AdapterSet whose adapters were not all discovered at the latest poll, with the reason.", object...),
	}
}

// Describe implements prometheus.Collector.
func (a *adapterSets) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{a.ports, a.reasons, a.notReady, a.stalled, a.notDiscovered} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (a *adapterSets) Collect(out chan<- prometheus.Metric) {
	ports, reasons := map[string]float64{}, map[string]float64{}
	for _, state := range []port.State{port.Owned, port.Shared, port.Shadowed, port.Blocked, port.Invalid, port.Retained, status.Pending} {
		ports[string(state)] = 0
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, set := range a.cluster.AllAdapterSets() {
		for i := range set.Status.Ports {
			ports[set.Status.Ports[i].State]++
		}
		for i := range set.Status.Services {
			for j := range set.Status.Services[i].Ports {
				ports[set.Status.Services[i].Ports[j].State]++
			}
		}
		problem := func(desc *prometheus.Desc, reason string) { gauge(desc, 1, set.Namespace, set.Name, reason) }
		ready := meta.FindStatusCondition(set.Status.Conditions, status.Ready)
		if ready == nil {
			ready = &metav1.Condition{Reason: string(notReported)}
		}
		reasons[ready.Reason]++
		if ready.Status != metav1.ConditionTrue {
			problem(a.notReady, ready.Reason)
		}
		if c := meta.FindStatusCondition(set.Status.Conditions, status.Stalled); c != nil && c.Status == metav1.ConditionTrue {
			problem(a.stalled, c.Reason)
		}
		if c := meta.FindStatusCondition(set.Status.Conditions, status.Discovered); c != nil && c.Status != metav1.ConditionTrue {
			problem(a.notDiscovered, c.Reason)
		}
	}
	for state, n := range ports {
		gauge(a.ports, n, state)
	}
	for reason, n := range reasons {
		gauge(a.reasons, n, reason)
	}
}
