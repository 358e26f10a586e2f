package command

import (
	"context"
	"os"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
)

// recordTimeout keeps an Event, which a command can do without, from holding it
// up.
const recordTimeout = 5 * time.Second

// recorder records which ports a command changed, in an Event about the
// workload. Without the permission to create Events nothing is recorded, and
// the command does the same otherwise.
type recorder struct {
	*session
	manager, action string
	run             dryRun
}

// record creates the Event for a result that changed the pod template, unless
// it is that of a dry run.
func (r recorder) record(ctx context.Context, result apply.Result) {
	change, changed := changes.Of(result, r.manager)
	if !changed || r.run == dryRunServer {
		return
	}
	// The change is stored, also where the command was interrupted since.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := r.create(ctx, result.After, change); err != nil {
		logr.FromContextOrDiscard(ctx).V(1).Info("cannot record the change in an Event", "workload", result.Target.String(), "error", err.Error())
	}
}

func (r recorder) create(ctx context.Context, w *workload.Workload, change v1alpha1.PortsChange) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	event, err := changes.NewEvent(w, change, r.action, host, metav1.NowMicro())
	if err != nil {
		return err
	}
	config, err := r.restConfig()
	if err != nil {
		return err
	}
	client, err := eventsclient.NewForConfig(config)
	if err != nil {
		return err
	}
	_, err = client.Events(w.Namespace).Create(ctx, event, metav1.CreateOptions{})
	return err
}
