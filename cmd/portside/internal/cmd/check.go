package cmd

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/fieldmanager"
)

func newCheck(s *cli.Session) *cobra.Command {
	var (
		options install.Options
		print   cli.PrintFlags
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that the cluster is ready and that portside is healthy",
		Long: `Check that the cluster is ready for portside and that portside is healthy.
Nothing is changed.

Before portside is installed: the version of the server, and whether you may
install what portside install prints. After: whether its objects exist and the
admission policies are those of this version; whether portside's ServiceAccount
has the permissions that it needs, and no more; whether its replicas are ready
and one of them holds the Lease; AdapterSets that are not Ready or Stalled, or
have no target; workloads with portside's ports and without an AdapterSet; and,
for AdapterSets with spec.services, whether portside manages Services, and
whether each exists and has a name for each of its ports: a port without a name
keeps adapter ports out of its Service.

Give the same flags as to portside install; --services is read from the
Deployment. You need to read what is installed,
the Lease, AdapterSets and workloads, and to impersonate portside's
ServiceAccount; what you may not read is a Warning.

Each finding is OK, a Warning or an Error, and says what to do. Exit codes: 0
when there is no Error, 2 when there is one, 1 when the cluster cannot be
inspected.`,
		Example: `  portside check
  portside check --watch-namespace storage -o json`,
		Args:              cli.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fieldmanager.ValidateName(options.FieldManager); err != nil {
				return cli.UsageError(cmd, "--field-manager: %w", err)
			}
			if _, err := install.Manifests(options); err != nil {
				return cli.UsageError(cmd, "%w", err)
			}
			config, err := s.RESTConfig()
			if err != nil {
				return err
			}
			findings, err := check.Run(cmd.Context(), config, options)
			if err != nil {
				return cli.Failed(cli.Unusable, "cannot inspect the cluster", err)
			}
			if err := print.Print(s.Out, printer.Findings{Findings: findings}); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, func(f check.Finding) bool { return f.State == check.Error }) {
				return cli.Exit(cli.Refused)
			}
			return nil
		},
	}
	installationFlags(cmd, s, &options)
	flag := cmd.Flags().Lookup
	flag("namespace").Usage = "Namespace that portside runs in"
	flag("watch-namespace").Usage = "Namespace of the workloads; by default all"
	flag("services").Usage = "The ports of Services are managed as well; by default what the Deployment says"
	flag("without-policies").Usage = "The admission policies were left out; with --watch-namespace only"
	print.AddFormats(cmd, string(printer.TableFormat), string(printer.JSON), string(printer.YAML))
	return cmd
}
