package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// defaultReconcileTimeout is how long reconcile waits for the service: a source is asked
// for ten seconds at most.
const defaultReconcileTimeout = 30 * time.Second

// errNotHandled is that no service handled a request in time.
var errNotHandled = errors.New("no portside run handled the request")

func newReconcile(s *cli.Session) *cobra.Command {
	var (
		all     bool
		wait    bool
		timeout time.Duration
		print   cli.PrintFlags
	)
	cmd := &cobra.Command{
		Use:   "reconcile adapterset/NAME",
		Short: "Have the service reconcile an AdapterSet now",
		Long: `Have portside run reconcile an AdapterSet now, wait until it has, and show what it
found. It asks the source again, ends contention and back-off, and asks the API
server even if the ports are up to date. The stabilization window and the limits of
rollouts still apply.

It sets the annotation portside.dev/requestedAt, with your own permissions. No tool
declares that annotation, so nothing sets it back.

Exit codes: 0 when each AdapterSet is handled and Ready, or with --wait=false is
requested; 2 when one does not exist, is not Ready or suspended, was not handled in time,
or the server refused; 1 when the input or the connection is unusable.`,
		Example: `  portside reconcile adapterset/dittofs
  portside reconcile adapterset --all -n storage --timeout 1m`,
		ValidArgsFunction: s.CompleteAdapterSets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return cli.UsageError(cmd, "--timeout %s is not above 0", timeout)
			}
			sets, err := adapterSetsOf(cmd, s, args, all)
			if err != nil {
				return err
			}
			// Each value must be new.
			value := time.Now().UTC().Format(time.RFC3339Nano)
			var requested []string
			code, err := sets.each(cmd.Context(), s, func(name string) error {
				if err := sets.Reconcile(cmd.Context(), name, value); err != nil {
					return err
				}
				requested = append(requested, name)
				if !wait {
					return printLine(s, print, name, "reconcile requested", true, false)
				}
				return nil
			})
			if err == nil && wait && len(requested) > 0 {
				sets.names = requested
				var handled int
				handled, err = showHandled(cmd.Context(), s, sets, value, timeout, print)
				code = cli.Worse(code, handled)
			}
			if err != nil {
				return err
			}
			return cli.Exit(code)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "All AdapterSets of the namespace")
	cmd.Flags().BoolVar(&wait, "wait", true, "Wait until the service has reconciled")
	cmd.Flags().DurationVar(&timeout, "timeout", defaultReconcileTimeout, "How long to wait for the service")
	print.Add(cmd)
	return cmd
}

// showHandled waits until the service has handled the requests, and prints the AdapterSets.
func showHandled(ctx context.Context, s *cli.Session, sets *adapterSets, value string, timeout time.Duration, print cli.PrintFlags) (int, error) {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s.Messages.Progress("waiting for portside run, at most %s", timeout)
	document, ready := printer.NewAdapterSets(), cli.OK
	code, err := sets.each(ctx, s, func(name string) error {
		set, err := sets.Handled(waiting, name, value)
		switch {
		case err != nil && ctx.Err() == nil && waiting.Err() != nil:
			return fmt.Errorf("%w within %s; is it running, with this AdapterSet among those that it watches? See portside check", errNotHandled, timeout)
		case err != nil:
			return err
		}
		document.Add(set)
		if !meta.IsStatusConditionTrue(set.Status.Conditions, status.Ready) {
			ready = cli.Refused
		}
		if set.Spec.Suspend {
			ready = cli.Refused
			s.Messages.Warn("AdapterSet %s/%s is suspended, so nothing is written; portside resume adapterset/%s", sets.namespace, name, name)
		}
		return nil
	})
	if err != nil || len(document.AdapterSets) == 0 && print.IsTable() {
		return code, err
	}
	return cli.Worse(code, ready), print.Print(s.Out, document)
}
