package command

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
	"github.com/portside-dev/portside/fieldmanager"
)

type checkCommand struct {
	*session
	options   install.Options
	format    output.Format
	noHeaders bool
}

// checkReport is the document that check prints.
type checkReport struct {
	Findings []check.Finding `json:"findings"`
}

func newCheck(s *session) *cobra.Command {
	c := &checkCommand{session: s, format: output.TableFormat}
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
have no target; workloads with portside's ports and without an AdapterSet.

Give the same flags as to portside install. You need to read what is installed,
the Lease, AdapterSets and workloads, and to impersonate portside's
ServiceAccount; what you may not read is a Warning.

Each finding is OK, a Warning or an Error, and says what to do. Exit codes: 0
when there is no Error, 2 when there is one, 1 when the cluster cannot be
inspected.`,
		Example: `  portside check
  portside check --watch-namespace storage -o json`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.check(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&c.options.Namespace, "namespace", "n", install.DefaultNamespace, "Namespace that portside runs in")
	flags.StringVar(&c.options.WatchNamespace, "watch-namespace", "", "Namespace of the workloads; by default all")
	s.namespacesFlags(cmd, &c.options)
	fieldManagerFlag(cmd, &c.options.FieldManager)
	flags.BoolVar(&c.options.WithoutPolicies, "without-policies", false, "The admission policies were left out; with --watch-namespace only")
	choose(cmd, &c.format, "output", "o", "Output format", string(output.TableFormat), string(output.JSON), string(output.YAML))
	flags.BoolVar(&c.noHeaders, "no-headers", false, "Print no line of column names in a table")
	mustComplete(cmd, "namespace", s.completeNamespaces)
	mustComplete(cmd, "watch-namespace", s.completeNamespaces)
	return cmd
}

func (c *checkCommand) check(cmd *cobra.Command) error {
	if err := fieldmanager.ValidateName(c.options.FieldManager); err != nil {
		return usageError(cmd, "--field-manager: %w", err)
	}
	if _, err := install.Manifests(c.options); err != nil {
		return usageError(cmd, "%w", err)
	}
	config, err := c.restConfig()
	if err != nil {
		return err
	}
	findings, err := check.Run(cmd.Context(), config, c.options)
	if err != nil {
		return &exitError{code: exitUnusable, what: "cannot inspect the cluster", err: err}
	}
	if err := c.print(findings); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f check.Finding) bool { return f.State == check.Error }) {
		return exitWith(exitRefused)
	}
	return nil
}

func (c *checkCommand) print(findings []check.Finding) error {
	if c.format != output.TableFormat {
		return output.WriteDocument(c.out, c.format, checkReport{findings})
	}
	t := output.Table{Columns: []string{"CHECK", "STATE", "MESSAGE"}}
	for _, f := range findings {
		t.Rows = append(t.Rows, []string{f.Check, string(f.State), f.Text()})
	}
	return t.Write(c.out, !c.noHeaders)
}
