package cli

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// PrintFlags select how a command prints its result.
type PrintFlags struct{ printer.Options }

// Add adds -o, which takes every format, and --no-headers.
func (p *PrintFlags) Add(cmd *cobra.Command) { p.AddFormats(cmd, printer.Formats...) }

// AddFormats adds -o, which takes some formats, and --no-headers.
func (p *PrintFlags) AddFormats(cmd *cobra.Command, formats ...string) {
	p.Format = printer.TableFormat
	Choose(cmd, &p.Format, "output", "o", "Output format", formats...)
	cmd.Flags().BoolVar(&p.NoHeaders, "no-headers", false, "Print no line of column names in a table")
}

// WriteFlags are those of a command that writes.
type WriteFlags struct {
	FieldManager string
	dryRun       string
}

// DryRun returns the flags of a command that stores nothing.
func DryRun() WriteFlags { return WriteFlags{dryRun: "server"} }

// Add adds --field-manager and --dry-run.
func (w *WriteFlags) Add(cmd *cobra.Command) {
	w.dryRun = "none"
	Choose(cmd, &w.dryRun, "dry-run", "", "With server, the server does everything but store it", "none", "server")
	FieldManagerFlag(cmd, &w.FieldManager)
}

// DryRun reports whether the server is not to store what it is sent.
func (w WriteFlags) DryRun() bool { return w.dryRun == "server" }

// Verb returns the words for what was done or, in a dry run, would be done.
func (w WriteFlags) Verb(done, would string) string {
	if w.DryRun() {
		return would
	}
	return done
}

// FieldManagerFlag adds --field-manager, for two installations that share a
// cluster.
func FieldManagerFlag(cmd *cobra.Command, manager *string) {
	cmd.Flags().StringVar(manager, "field-manager", apply.DefaultFieldManager, "Name of the manager used to track field ownership; it must be portside's alone: an apply removes what else its manager applied")
}

// ContainerFlag adds --container.
func (s *Session) ContainerFlag(cmd *cobra.Command, container *string, usage string) {
	cmd.Flags().StringVarP(container, "container", "c", "", usage)
	MustComplete(cmd, "container", s.completeContainers())
}

// Choose adds a flag that takes one of a few words, which completion offers.
func Choose[T ~string](cmd *cobra.Command, value *T, name, short, usage string, from ...string) {
	cmd.Flags().VarP(printer.ChoiceOf(value, from...), name, short, usage)
	MustComplete(cmd, name, cobra.FixedCompletions(from, cobra.ShellCompDirectiveNoFileComp))
}

// MustComplete registers the completion of a flag. It panics if there is no such
// flag.
func MustComplete(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err)
	}
}
