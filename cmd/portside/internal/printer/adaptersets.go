package printer

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// AdapterSets is the document that reconcile prints: what status reports of each
// AdapterSet. Programs read it: a field keeps its name and its meaning, and a list is
// never null.
type AdapterSets struct {
	AdapterSets []setStatus `json:"adapterSets"`
}

type setStatus struct {
	Namespace string                 `json:"namespace"`
	Name      string                 `json:"name"`
	Ready     metav1.ConditionStatus `json:"ready"`
	Reason    string                 `json:"reason"`
	Message   string                 `json:"message"`
	Ports     []setPort              `json:"ports"`

	target string
}

// setPort is a port of the workload or, where that is set, of a Service.
type setPort struct {
	Service string `json:"service,omitempty"`
	v1alpha1.PortStatus
}

// NewAdapterSets returns a document without AdapterSets.
func NewAdapterSets() *AdapterSets { return &AdapterSets{AdapterSets: []setStatus{}} }

// Add adds an AdapterSet.
func (a *AdapterSets) Add(set *v1alpha1.AdapterSet) {
	s := setStatus{
		Namespace: set.Namespace, Name: set.Name, Ready: metav1.ConditionUnknown, Ports: []setPort{},
		target: Target{Kind: set.Spec.TargetRef.Kind, Name: set.Spec.TargetRef.Name}.Long(),
	}
	if ready := meta.FindStatusCondition(set.Status.Conditions, "Ready"); ready != nil {
		s.Ready, s.Reason, s.Message = ready.Status, ready.Reason, ready.Message
	}
	for _, p := range set.Status.Ports {
		s.Ports = append(s.Ports, setPort{PortStatus: p})
	}
	for _, service := range set.Status.Services {
		for _, p := range service.Ports {
			s.Ports = append(s.Ports, setPort{service.Name, p})
		}
	}
	a.AdapterSets = append(a.AdapterSets, s)
}

// Table returns a row for each port, and one for an AdapterSet without ports.
func (a *AdapterSets) Table(wide bool) Table {
	t := Table{Columns: []string{"ADAPTERSET", "READY", "TARGET", "PORT", "NUMBER", "STATE", "OWNERS"}}
	namespaces := wide || slices.ContainsFunc(a.AdapterSets, func(s setStatus) bool { return s.Namespace != a.AdapterSets[0].Namespace })
	if namespaces {
		t.Columns = slices.Insert(t.Columns, 0, "NAMESPACE")
	}
	if wide {
		t.Columns = append(t.Columns, "REASON", "MESSAGE")
	}
	for _, s := range a.AdapterSets {
		var start []string
		if namespaces {
			start = []string{s.Namespace}
		}
		start = append(start, s.Name, string(s.Ready))
		for _, p := range s.Ports {
			t.Rows = append(t.Rows, append(slices.Clone(start), p.cells(s.target, wide)...))
		}
		if len(s.Ports) == 0 {
			row := append(slices.Clone(start), s.target, none, none, none, none)
			if wide {
				row = append(row, orNone(s.Reason), orNone(s.Message))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func (p setPort) cells(target string, wide bool) []string {
	if p.Service != "" {
		target = "service/" + p.Service
	}
	var owners []string
	for _, o := range p.Owners {
		owners = append(owners, o.Manager)
	}
	cells := []string{target, orNone(p.Name), number(p.Port, corev1.Protocol(p.Protocol)), p.State, list(owners)}
	if wide {
		cells = append(cells, orNone(p.Reason), orNone(p.Message))
	}
	return cells
}

// Names returns the AdapterSets.
func (a *AdapterSets) Names() []string {
	var names []string
	for _, s := range a.AdapterSets {
		names = append(names, "adapterset."+v1alpha1.GroupVersion.Group+"/"+s.Name)
	}
	return names
}
