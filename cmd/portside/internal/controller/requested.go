package controller

import (
	"context"

	"github.com/go-logr/logr"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// requested reports whether a user requested a reconcile that was not handled yet.
// If so, contention and back-off end, and the API server is asked even if the ports
// are up to date.
func (w *work) requested(ctx context.Context) bool {
	at := status.RequestedAt(w.set)
	if at == "" || at == w.told.LastHandledReconcileAt || at == w.requestedAt {
		return false
	}
	w.requestedAt = at
	w.Fight, w.contended, w.lost = rollout.Fight{}, nil, nil
	w.Retry, w.refused = rollout.Retry{}, nil
	w.memory.fullPass = w.now
	logr.FromContextOrDiscard(ctx).Info("reconciling as requested", "requestedAt", at)
	return true
}
