package discovery

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Source says which adapters of a workload are active, as far as it knows. Values
// of a Source must be comparable, and equal values ask the same question.
type Source interface {
	// Interval returns the time from the end of one poll to the begin of the
	// next. It is 0 for a source that answers from the AdapterSet itself: that
	// one is asked at each reconcile, must not block, and its answer is complete.
	Interval() time.Duration
	// Questions returns what to ask in one poll of a workload, such as one
	// question for each pod, and how ready the workload is. The zero Readiness
	// is for a source whose answers do not come from pods. An error is
	// reported as it is if it is an [Error], and otherwise only logged.
	Questions(ctx context.Context, w Workload) ([]Question, Readiness, error)
}

// Forgetter is a [Source] that keeps data of a workload from one poll to the
// next. Forget drops that data when the workload is no longer polled.
type Forgetter interface{ Forget(workload types.UID) }

// Workload identifies what a [Source] is asked about.
type Workload struct {
	Target workload.Target
	UID    types.UID
	// Selector is the workload's selector for its pods; see [workload.Workload].
	Selector string
	// Container is the container that has the ports.
	Container string
}

// Question is one question of a poll.
type Question struct {
	// Pod is the name of the pod that answers, empty if no pod does.
	Pod string
	// Ask returns the active adapters. Its errors are as those of
	// [Source.Questions].
	Ask func(ctx context.Context) ([]apply.Adapter, error)
}

// Kind returns the source that an AdapterSet names, or nil if the AdapterSet
// names none of this kind. Its error is an [Error].
type Kind func(set *v1alpha1.AdapterSet) (Source, error)

// Sources are the kinds of source that are known. The first that an AdapterSet
// names is used.
type Sources []Kind

// Of returns the source of an AdapterSet; discovered reports whether its adapters
// were discovered before. An unknown or missing source is an error (NoSource), as is one
// that cannot be used, and never an empty list, which would remove all ports. The
// error is an [Error].
func (s Sources) Of(set *v1alpha1.AdapterSet, discovered bool) (Source, error) {
	if discovered && set.Spec.Discovery == nil && set.Spec.Adapters == nil {
		return nil, &Error{Reason: NoSource, Message: "cannot find out which adapters are active: spec.discovery was removed and spec.adapters is not set; " +
			"the ports stay as they are. Set one of the two, or delete the AdapterSet"}
	}
	for _, kind := range s {
		if source, err := kind(set); source != nil || err != nil {
			return source, err
		}
	}
	return nil, &Error{Reason: NoSource, Message: "cannot find out which adapters are active: spec.discovery names no source that this version of portside knows; " +
		"the ports stay as they are. Correct spec.discovery, or upgrade portside"}
}
