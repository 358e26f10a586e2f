package printer

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// AdapterSets is the document that reconcile prints.
type AdapterSets struct {
	AdapterSets []adapterSet `json:"adapterSets"`
}

type adapterSet struct {
	Namespace string                 `json:"namespace"`
	Name      string                 `json:"name"`
	Ready     metav1.ConditionStatus `json:"ready"`
	Reason    string                 `json:"reason"`
	// Ports is how many ports are in place, of how many.
	Ports   string `json:"ports"`
	Message string `json:"message"`
}

// NewAdapterSets returns a document without AdapterSets.
func NewAdapterSets() *AdapterSets { return &AdapterSets{AdapterSets: []adapterSet{}} }

// Add adds an AdapterSet.
func (a *AdapterSets) Add(set *v1alpha1.AdapterSet) {
	one := adapterSet{Namespace: set.Namespace, Name: set.Name, Ready: metav1.ConditionUnknown, Ports: fmt.Sprintf("%d/%d", set.Status.ReadyPorts, set.Status.DesiredPorts)}
	if ready := meta.FindStatusCondition(set.Status.Conditions, "Ready"); ready != nil {
		one.Ready, one.Reason, one.Message = ready.Status, ready.Reason, ready.Message
	}
	a.AdapterSets = append(a.AdapterSets, one)
}

// Table returns a row for each AdapterSet, as kubectl get prints one.
func (a *AdapterSets) Table(bool) Table {
	t := Table{Columns: []string{"ADAPTERSET", "PORTS", "READY", "REASON", "MESSAGE"}}
	for _, s := range a.AdapterSets {
		t.Rows = append(t.Rows, []string{s.Name, s.Ports, string(s.Ready), orNone(s.Reason), s.Message})
	}
	return t
}

// Names returns the AdapterSets as kubectl names them.
func (a *AdapterSets) Names() []string {
	var names []string
	for _, s := range a.AdapterSets {
		names = append(names, "adapterset."+v1alpha1.GroupVersion.Group+"/"+s.Name)
	}
	return names
}
