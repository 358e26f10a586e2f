package controller

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
)

// unrecorded are the changes of one workload's ports that we stored, until
// status has them.
type unrecorded struct {
	uid     types.UID
	changes []v1alpha1.PortsChange
}

// add keeps what a pass changed.
func (u *unrecorded) add(result apply.Result, manager string, now time.Time) {
	change, changed := changes.Of(result, manager)
	if !changed {
		return
	}
	if change.Time.IsZero() {
		change.Time = metav1.NewTime(now.Truncate(time.Second))
	}
	*u = unrecorded{result.After.UID, changes.Append(u.of(result.After.UID), change)}
}

// of returns the changes of the workload with the uid.
func (u *unrecorded) of(uid types.UID) []v1alpha1.PortsChange {
	if u.uid != uid {
		return nil
	}
	return u.changes
}
