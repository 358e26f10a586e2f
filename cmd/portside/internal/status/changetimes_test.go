package status_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

func changeOfSMB(seconds int, number int32, edit v1alpha1.PortEdit) v1alpha1.PortsChange {
	return v1alpha1.PortsChange{
		Time: metav1.NewTime(now.Add(time.Duration(seconds) * time.Second)), Manager: "portside",
		Ports: []v1alpha1.ChangedPort{{Container: "server", Name: "adapter-smb", Port: number, Protocol: "TCP", Change: edit}},
	}
}

// TestChanges are kept until they are another workload's, and give each port the
// time of its last one.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := v1alpha1.AdapterSetStatus{}
	become := func(seconds int, of types.UID, ports []apply.PortStatus, changes ...v1alpha1.PortsChange) {
		s = status.Of(set(1, s), facts(func(f *status.Facts) { f.UID, f.Ports, f.Changes = of, ports, changes }), now.Add(time.Duration(seconds)*time.Second))
	}
	expect := func(changes int, changed ...int) {
		t.Helper()
		if len(s.Changes) != changes {
			t.Errorf("%d changes, not %d: %+v", len(s.Changes), changes, s.Changes)
		}
		var times []int
		for _, p := range s.Ports {
			at := -1
			if p.LastChangeTime != nil {
				at = int(p.LastChangeTime.Sub(now) / time.Second)
			}
			times = append(times, at)
		}
		if !slices.Equal(times, changed) {
			t.Errorf("the ports changed at %v, not %v", times, changed)
		}
	}
	become(0, uid, []apply.PortStatus{nfs})
	expect(0, -1) // it was there
	become(2, uid, []apply.PortStatus{nfs, smb}, changeOfSMB(1, 1445, v1alpha1.PortAdded))
	expect(1, -1, 1)
	become(3, uid, []apply.PortStatus{nfs, smb})
	expect(1, -1, 1)
	become(9, uid, []apply.PortStatus{nfs, smb}, changeOfSMB(5, 1445, v1alpha1.PortRemoved), changeOfSMB(7, 1445, v1alpha1.PortAdded))
	expect(3, -1, 7)
	become(9, uid, []apply.PortStatus{nfs, portOf("adapter-smb", 445, port.Owned, "")}, changeOfSMB(9, 445, v1alpha1.PortAdded))
	expect(4, -1, 9)
	become(10, "other", []apply.PortStatus{nfs})
	expect(0, -1)
}
