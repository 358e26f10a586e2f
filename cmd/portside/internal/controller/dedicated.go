package controller

import (
	"context"
	"errors"

	"github.com/go-logr/logr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// advice words what people can do about the target.
func (w *work) advice() remedy.For {
	return remedy.For{Target: w.target, Container: w.set.Spec.Container, FieldManager: w.manager}
}

// notDedicated reports whether err says that the field manager owns other fields,
// so that nothing may be written. A watch tells when that ends; in case it does
// not, the workload is read again with back-off.
func (w *work) notDedicated(ctx context.Context, err error) bool {
	if _, other := errors.AsType[*apply.NotDedicatedError](err); !other {
		return false
	}
	w.facts.Why = status.FieldManagerNotDedicated
	w.facts.Because = w.advice().Error(err).Error()
	if !w.now.Before(w.Retry.Until(rollout.ReleaseFields)) {
		w.Retry.Failed(w.now, rollout.ReleaseFields)
		if live, err := w.applier.Get(ctx, w.target); err == nil {
			w.answer = live
		} else {
			logr.FromContextOrDiscard(ctx).V(1).Info("cannot read the workload again", "error", err.Error())
		}
	}
	w.wake(w.Retry.Until(rollout.ReleaseFields))
	return true
}
