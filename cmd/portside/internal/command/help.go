package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/portside-dev/portside/cmd/portside/internal/output"
)

// helpWidth is how wide help text is where there is no terminal.
const helpWidth = 80

// setUpHelp prints help as kubectl does: what it is, examples, the command's
// own flags, usage; the flags that all commands share have a command of their
// own.
func (s *session) setUpHelp(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(s.out, s.help(cmd)) })
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
		cmd.Example = strings.ReplaceAll(cmd.Example, "portside ", s.display+" ")
		if help := cmd.Flags().Lookup("help"); help != nil {
			help.Usage = "Print this help"
		}
	}
}

func (s *session) help(cmd *cobra.Command) string {
	var text strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	fmt.Fprintf(&text, "%s\n", strings.TrimSpace(about))
	if cmd.HasExample() {
		fmt.Fprintf(&text, "\nExamples:\n%s\n", cmd.Example)
	}
	if commands := cmd.Commands(); len(commands) > 0 {
		text.WriteString("\nAvailable Commands:\n")
		for _, c := range commands {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&text, "  %-11s %s\n", c.Name(), c.Short)
			}
		}
	}
	if cmd.HasParent() && cmd.HasAvailableLocalFlags() {
		fmt.Fprintf(&text, "\nOptions:\n%s", s.flagUsages(cmd.LocalFlags()))
	}
	fmt.Fprintf(&text, "\nUsage:\n  %s\n\n", usageLine(cmd))
	if !cmd.HasParent() {
		fmt.Fprintf(&text, "Use \"%s <command> --help\" for more about a command.\n", s.display)
	}
	fmt.Fprintf(&text, "Use \"%s options\" for the flags that all commands take.\n", s.display)
	return text.String()
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.UseLine()
	}
	return cmd.CommandPath() + " <command> [flags]"
}

// flagUsages lists flags as kubectl does: the flag with its default, and below
// it what it is for.
func (s *session) flagUsages(flags *pflag.FlagSet) string {
	width := s.out.Width
	if width == 0 {
		width = helpWidth
	}
	var text strings.Builder
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		name := "    --" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", --" + flag.Name
		}
		fmt.Fprintf(&text, "    %s=%s\n", name, defaultOf(flag))
		usage := flag.Usage
		if words := flag.Value.Type(); strings.Contains(words, "|") {
			usage += " (" + words + ")"
		}
		for _, line := range output.Wrap(usage, width-len(usageIndent)) {
			fmt.Fprintf(&text, "%s%s\n", usageIndent, line)
		}
	})
	return text.String()
}

const usageIndent = "            "

func defaultOf(flag *pflag.Flag) string {
	if flag.Value.Type() == "string" {
		return "'" + flag.DefValue + "'"
	}
	return flag.DefValue
}

func newOptions(s *session) *cobra.Command {
	return &cobra.Command{
		Use:               "options",
		Short:             "Print the flags that all commands take",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(s.out, "The following options can be passed to any command:\n\n%s", s.flagUsages(cmd.InheritedFlags()))
			return err
		},
	}
}
