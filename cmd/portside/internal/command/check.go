package command

import (
	"fmt"
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
		Short: "See whether a cluster is ready for portside, and portside well",
		Long: `Look at a cluster before portside is installed, and after. Nothing is changed.

Before: the version of the server, and whether you may install what portside
install prints. After: whether all of it is there, and the admission policies
are as this version prints them; whether portside's ServiceAccount has the
permissions that it needs, and no more; AdapterSets whose workload is not
there; workloads with portside's entry that no AdapterSet names.

Give the same flags as to portside install. You need to read what is installed,
AdapterSets and workloads, and to impersonate portside's ServiceAccount.

Exit codes: 0 when nothing is wrong, warnings or not; 2 when something is; 1
when the cluster could not be looked at.`,
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
		return &exitError{code: exitUnusable, err: fmt.Errorf("the cluster cannot be looked at: %w", err)}
	}
	if err := c.print(findings); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f check.Finding) bool { return f.State == check.Wrong }) {
		return exitWith(exitRefused)
	}
	return nil
}

func (c *checkCommand) print(findings []check.Finding) error {
	if c.format != output.TableFormat {
		return output.WriteDocument(c.out, c.format, checkReport{findings})
	}
	t := output.Table{Columns: []string{"CHECK", "STATE", "OBJECT", "MESSAGE"}}
	for _, f := range findings {
		t.Rows = append(t.Rows, []string{f.Check, string(f.State), orNone(f.Object), f.Message})
	}
	return t.Write(c.out, !c.noHeaders)
}
