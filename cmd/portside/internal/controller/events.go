package controller

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// announce logs events and sends each about the AdapterSet and about its workload.
func (r *reconciler) announce(ctx context.Context, set *v1alpha1.AdapterSet, events []status.Event) {
	if len(events) == 0 {
		return
	}
	t := adapterset.Target(set)
	regarding := &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "AdapterSet", Namespace: set.Namespace, Name: set.Name, UID: set.UID,
	}
	related := &corev1.ObjectReference{Kind: t.Kind.Kind, Namespace: t.Namespace, Name: t.Name}
	if d, err := workload.Define(t.Kind); err == nil {
		related.APIVersion = d.APIVersion()
	}
	if w, err := r.cluster.Workload(ctx, t); err == nil && w != nil {
		related.UID = w.UID
	}
	log := logr.FromContextOrDiscard(ctx)
	for _, e := range events {
		log.Info(e.Note, "reason", e.Reason)
		// The recorder counts an event that differs from an earlier one in its note
		// alone as a repetition of that one, and drops the note.
		action := actionOf(e)
		r.events.Eventf(regarding, related, e.Type, e.Reason, action, "%s", e.Note)
		if related.UID != "" {
			r.events.Eventf(related, regarding, e.Type, e.Reason, action, "%s", e.Note)
		}
	}
}

// maxAction is the longest action that the API server accepts, in bytes.
const maxAction = 128

// actionOf returns an action that differs for each set of ports and manager. One that is
// too long ends with a hash of the whole.
func actionOf(e status.Event) string {
	words := []string{"SetPort"}
	for _, word := range []string{e.Ports, e.Manager} {
		if word != "" {
			words = append(words, word)
		}
	}
	action := strings.Join(words, " ")
	if len(action) <= maxAction {
		return action
	}
	hash := fmt.Sprintf(" %.4x", sha256.Sum256([]byte(action)))
	return strings.ToValidUTF8(action[:maxAction-len(hash)], "") + hash
}
