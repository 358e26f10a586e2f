package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// printFlags say how a command prints its result.
type printFlags struct {
	format    printer.Format
	noHeaders bool
}

func (p *printFlags) add(cmd *cobra.Command) {
	p.format = printer.TableFormat
	choose(cmd, &p.format, "output", "o", "Output format", printer.Formats...)
	cmd.Flags().BoolVar(&p.noHeaders, "no-headers", false, "Print no line of column names in a table")
}

// isTable tells that people read the result.
func (p *printFlags) isTable() bool {
	return p.format == printer.TableFormat || p.format == printer.Wide
}

// dryRunFlag adds --dry-run to a command that writes.
func dryRunFlag(cmd *cobra.Command, run *dryRun) {
	*run = dryRunNone
	choose(cmd, run, "dry-run", "", "With server, the server does everything but store it", string(dryRunNone), string(dryRunServer))
}

// choose adds a flag that takes one of a few words, and offers them in
// completion.
func choose[T ~string](cmd *cobra.Command, value *T, name, short, usage string, from ...string) {
	cmd.Flags().VarP(printer.ChoiceOf(value, from...), name, short, usage)
	mustComplete(cmd, name, cobra.FixedCompletions(from, cobra.ShellCompDirectiveNoFileComp))
}

// mustComplete registers the completion of a flag that is there.
func mustComplete(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag misspelt in this package
	}
}
