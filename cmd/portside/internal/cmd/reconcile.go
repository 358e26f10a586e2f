package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/cmd/portside/internal/request"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// reconcileTimeout is how long reconcile waits by default. A poll of a source takes at
// most some seconds.
const reconcileTimeout = time.Minute

// reconcileCommand requests reconciles of stored AdapterSets.
type reconcileCommand struct {
	*cli.Session
	print   cli.PrintFlags
	chosen  cli.AdapterSetFlags
	dryRun  string
	wait    bool
	timeout time.Duration

	client *request.Client
}

func newReconcile(s *cli.Session) *cobra.Command {
	r := &reconcileCommand{Session: s, dryRun: "none"}
	cmd := &cobra.Command{
		Use:   "reconcile adapterset/NAME...",
		Short: "Have the service reconcile an AdapterSet now",
		Long: `Have the service reconcile an AdapterSet now: it polls the source again, ends
back-off, and adds contended ports again. The command gives the annotation
` + v1alpha1.RequestedAtAnnotation + ` the current time, waits until the service has handled
this request, which is when the source has answered, and prints the ports as
status reports them. A change may still wait, such as for a rollout.

The annotation is written under the field manager ` + request.FieldManager + `. A GitOps tool
leaves it alone, unless its manifest has the same annotation. The command needs
your permission to get and patch AdapterSets; portside's ServiceAccount needs
none for it. To say why no service answers, it lists Leases if you may.

Exit codes: 0 when the service has handled the request and no port is Blocked or
Invalid; 2 when one is, the AdapterSet is Stalled or does not exist, the service
did not handle the request in time, or the server refused; 1 when the input or
the connection is unusable.`,
		Example: `  portside reconcile adapterset/dittofs
  portside reconcile adaptersets -l team=files --timeout=5m
  portside reconcile adaptersets --all -A --wait=false`,
		Args:              r.chosen.Args,
		ValidArgsFunction: s.CompleteAdapterSets,
		RunE:              r.run,
	}
	r.print.Add(cmd)
	r.chosen.Add(cmd)
	cli.Choose(cmd, &r.dryRun, "dry-run", "", "With server, the server does everything but store it", "none", "server")
	cmd.Flags().BoolVar(&r.wait, "wait", true, "Wait until the service has handled the request")
	cmd.Flags().DurationVar(&r.timeout, "timeout", reconcileTimeout, "How long to wait")
	return cmd
}

func (r *reconcileCommand) run(cmd *cobra.Command, args []string) error {
	if r.timeout <= 0 {
		return cli.UsageError(cmd, "--timeout %s is not above 0", r.timeout)
	}
	config, err := r.RESTConfig()
	if err != nil {
		return err
	}
	r.wait = r.wait && r.dryRun == "none"
	if r.client, err = request.NewClient(config, r.dryRun != "none"); err != nil {
		return err
	}
	var requests []request.Request
	code, err := r.EachAdapterSet(cmd, &r.chosen, r.client, args, func(set *v1alpha1.AdapterSet) error {
		one, err := r.client.Reconcile(cmd.Context(), set, time.Now())
		if err != nil {
			return err
		}
		requests = append(requests, one)
		return r.announce(set)
	})
	if err != nil {
		return err
	}
	if !r.wait {
		return cli.Exit(code)
	}
	results := printer.NewAdapterSets()
	deadline := time.Now().Add(r.timeout)
	for _, one := range requests {
		set, err := r.client.Wait(cmd.Context(), one, deadline)
		switch {
		case cmd.Context().Err() != nil:
			return cmd.Context().Err()
		case errors.Is(err, context.DeadlineExceeded):
			r.explainTimeout(cmd.Context(), one)
			code = cli.Worse(code, cli.Refused)
		case err != nil:
			r.Messages.Error("%s: %s", cli.AdapterSetName(one.Name), cli.ErrorText(err))
			code = cli.Worse(code, cli.CodeOf(err))
		default:
			code = cli.Worse(code, r.explain(set))
			results.Add(set)
		}
	}
	if len(results.AdapterSets) > 0 || !r.print.IsTable() {
		if err := r.print.Print(r.Out, results); err != nil {
			return err
		}
	}
	return cli.Exit(code)
}

// announce prints that a reconcile was requested: as the result, or as progress if the
// command waits for it.
func (r *reconcileCommand) announce(set *v1alpha1.AdapterSet) error {
	text := cli.AdapterSetName(set.Name)
	if r.wait {
		r.Messages.Progress("%s reconcile requested; waiting until the service has handled it", text)
		return nil
	}
	if r.print.Format != printer.Name {
		text += " reconcile requested"
		if r.dryRun != "none" {
			text += " (server dry run)"
		}
	}
	_, err := fmt.Fprintln(r.Out, text)
	return err
}

// explain prints what keeps an AdapterSet from being in order, and returns the exit code.
func (r *reconcileCommand) explain(set *v1alpha1.AdapterSet) int {
	name := cli.AdapterSetName(set.Name)
	r.Messages.Progress("%s reconciled", name)
	if set.Spec.Suspend {
		r.Messages.Warn("%s is suspended, so nothing is written to its target; to continue, run: portside resume -n %s adapterset/%s", name, set.Namespace, set.Name)
	}
	for _, kind := range []string{status.Stalled, status.Reconciling} {
		if c := meta.FindStatusCondition(set.Status.Conditions, kind); c != nil && c.Status == "True" {
			if kind == status.Reconciling {
				r.Messages.Note("%s: %s: %s", name, c.Reason, c.Message)
				return cli.OK
			}
			r.Messages.Error("%s: %s: %s", name, c.Reason, c.Message)
			return cli.Refused
		}
	}
	return cli.OK
}

// explainTimeout prints that a request was not handled in time, and why that may be.
func (r *reconcileCommand) explainTimeout(ctx context.Context, one request.Request) {
	why := func() string {
		set, err := r.client.Get(ctx, one.Namespace, one.Name)
		if err != nil {
			return cli.ErrorText(err)
		}
		config, err := r.RESTConfig()
		if err != nil {
			return cli.ErrorText(err)
		}
		text, err := check.Unanswered(ctx, config, set)
		if err != nil {
			return fmt.Sprintf("cannot find out why: %s; run: portside check", cli.ErrorText(err))
		}
		return text
	}
	r.Messages.Error("%s: the service has not handled the request within %s: %s", cli.AdapterSetName(one.Name), r.timeout, why())
}
