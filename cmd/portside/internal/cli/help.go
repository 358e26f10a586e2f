package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// helpWidth is the width of help without a terminal.
const helpWidth = 80

// setUpHelp prints help as kubectl does: the description, examples, the command's
// own flags, usage. The flags that all commands share have a command of their own.
func (s *Session) setUpHelp(root *cobra.Command) {
	root.AddCommand(s.options())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(s.Out, s.help(cmd)) })
	root.SetHelpCommand(&cobra.Command{
		Use:    "help [command]",
		Short:  "Help about any command",
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if err == nil {
				err = unknownCommand(root, rest)
			}
			if err != nil {
				return err
			}
			return about.Help()
		},
	})
	for _, cmd := range root.Commands() {
		cmd.InitDefaultHelpFlag()
		cmd.Example = strings.ReplaceAll(cmd.Example, "portside ", s.name+" ")
		if help := cmd.Flags().Lookup("help"); help != nil {
			help.Usage = "Print this help"
		}
	}
}

// options returns the command that prints the flags that all commands share.
func (s *Session) options() *cobra.Command {
	return &cobra.Command{
		Use:               "options",
		Short:             "Print the flags that all commands take",
		Args:              NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(s.Out, "The following options can be passed to any command:\n\n%s", s.flagUsages(cmd.InheritedFlags()))
			return err
		},
	}
}

func (s *Session) help(cmd *cobra.Command) string {
	var text strings.Builder
	fmt.Fprintln(&text, strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)))
	if cmd.HasExample() {
		fmt.Fprintf(&text, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		text.WriteString("\nAvailable Commands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&text, "  %-11s %s\n", c.Name(), c.Short)
			}
		}
		fmt.Fprintf(&text, "\nUsage:\n  %s <command> [flags]\n\nUse \"%[1]s <command> --help\" for more about a command.\n", s.name)
	} else {
		if cmd.HasAvailableLocalFlags() {
			fmt.Fprintf(&text, "\nOptions:\n%s", s.flagUsages(cmd.LocalFlags()))
		}
		fmt.Fprintf(&text, "\nUsage:\n  %s\n\n", cmd.UseLine())
	}
	fmt.Fprintf(&text, "Use \"%s options\" for the flags that all commands take.\n", s.name)
	return text.String()
}

// flagUsages lists flags as kubectl does: the flag with its default, and below it
// what it is for.
func (s *Session) flagUsages(flags *pflag.FlagSet) string {
	const indent = "            "
	var text strings.Builder
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		name, byDefault, usage := "    --"+flag.Name, flag.DefValue, flag.Usage
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", --" + flag.Name
		}
		if flag.Value.Type() == "string" {
			byDefault = "'" + byDefault + "'"
		}
		if choice, is := flag.Value.(interface{ Words() []string }); is && len(choice.Words()) > 1 {
			usage += " (" + strings.Join(choice.Words(), "|") + ")"
		}
		fmt.Fprintf(&text, "    %s=%s\n", name, byDefault)
		for _, line := range printer.Wrap(usage, cmp.Or(s.Out.Width, helpWidth)-len(indent)) {
			fmt.Fprintf(&text, "%s%s\n", indent, line)
		}
	})
	return text.String()
}
