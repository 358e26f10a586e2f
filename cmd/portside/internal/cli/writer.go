package cli

import (
	"context"
	"os"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
)

// recordTimeout keeps an Event, which a command can do without, from holding it up.
const recordTimeout = 5 * time.Second

// Writer writes to targets for one command. It records each change of a pod template,
// and adds to results and errors what the user can do.
type Writer struct {
	applier *apply.Applier
	session *Session
	flags   WriteFlags
	command string
}

// Writer returns the writer of a command.
func (s *Session) Writer(flags WriteFlags, command string) (*Writer, error) {
	client, err := s.AppsClient()
	if err != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client), apply.WithFieldManager(flags.FieldManager), apply.WithDryRun(flags.DryRun()))
	return &Writer{applier, s, flags, command}, err
}

// Adopt adopts the ports of a container, see [apply.Applier.Adopt].
func (w *Writer) Adopt(ctx context.Context, t workload.Target, container string, from []string, options ...apply.AdoptOption) (apply.Result, error) {
	return w.concluded(ctx, container)(w.applier.Adopt(ctx, t, container, from, options...))
}

// Adoptable returns the containers with ports to adopt, see [apply.Observed.Adoptable].
func (w *Writer) Adoptable(live *workload.Workload, from ...string) ([]string, error) {
	observed, err := w.applier.Observe(live)
	if err != nil {
		return nil, err
	}
	return observed.Adoptable(from...), nil
}

// Release releases a target, see [apply.Applier.Release].
func (w *Writer) Release(ctx context.Context, t workload.Target, keepPorts bool) (apply.Result, error) {
	return w.concluded(ctx, "")(w.applier.Release(ctx, t, keepPorts))
}

// concluded records the change of a result, and adds to the result and its error what
// the user can do, with commands for the container that the user named, if any.
func (w *Writer) concluded(ctx context.Context, container string) func(apply.Result, error) (apply.Result, error) {
	return func(result apply.Result, err error) (apply.Result, error) {
		w.record(ctx, result)
		advice := remedy.For{Target: result.Target, Container: container, FieldManager: w.flags.FieldManager}
		return advice.Result(result), advice.Error(err)
	}
}

// record creates an Event about the workload for a result that changed the pod
// template, unless it is that of a dry run. Without the permission to create Events
// nothing is recorded.
func (w *Writer) record(ctx context.Context, result apply.Result) {
	change, changed := changes.Of(result, w.flags.FieldManager)
	if !changed || w.flags.DryRun() {
		return
	}
	// The change is stored, also if the command was interrupted since.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := w.createEvent(ctx, result.After, change); err != nil {
		logr.FromContextOrDiscard(ctx).V(1).Info("cannot record the change in an Event", "workload", result.Target.String(), "error", err.Error())
	}
}

func (w *Writer) createEvent(ctx context.Context, about *workload.Workload, change v1alpha1.PortsChange) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	event, err := changes.NewEvent(about, change, w.command, host, metav1.NowMicro())
	if err != nil {
		return err
	}
	config, err := w.session.RESTConfig()
	if err != nil {
		return err
	}
	client, err := eventsclient.NewForConfig(config)
	if err != nil {
		return err
	}
	_, err = client.Events(about.Namespace).Create(ctx, event, metav1.CreateOptions{})
	return err
}

// Print prints the result of a release or an adoption, and returns the exit code. Its
// error is the reason why there is no result.
func (w *Writer) Print(print PrintFlags, result apply.Result, err error) (code int, _ error) {
	switch {
	case err != nil:
		return Unusable, TargetError(result.Target, err)
	case result.Outcome == apply.TargetNotFound:
		return Refused, notFound(result.Target)
	}
	w.Explain(result)
	w.NoteDryRun()
	results := printer.NewResults(w.flags.DryRun())
	results.Add(result, "")
	code = PortsCode(result.Ports)
	if result.Outcome == apply.Paused {
		code = Refused
	}
	return code, print.Print(w.session.Out, results)
}

// Explain prints to stderr what prevented a part of a release or an adoption, and
// the warnings.
func (w *Writer) Explain(result apply.Result) {
	messages := w.session.Messages
	if result.Outcome == apply.Paused {
		messages.Error("%s carries the annotation %s: nothing was written", result.Target, workload.PausedAnnotation)
	}
	for _, p := range result.Ports {
		if p.State == port.Blocked {
			messages.Error("%s: %s: %s", result.Target, printer.PortState(p), p.Message)
		}
	}
	w.warn(result)
}

func (w *Writer) warn(result apply.Result) {
	for _, warning := range result.Warnings {
		w.session.Messages.Warn("%s: %s", result.Target, warning.Message)
	}
}

// NoteDryRun prints a note if the command is a dry run.
func (w *Writer) NoteDryRun() {
	if w.flags.DryRun() {
		w.session.Messages.Note("dry run: nothing was stored")
	}
}
