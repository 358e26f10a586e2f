package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// UsageError returns an error about the command line, which points to the help.
func UsageError(cmd *cobra.Command, format string, args ...any) error {
	return fmt.Errorf(format+"\nSee '%s --help' for usage.", append(args, cmd.CommandPath())...)
}

// flagError returns the error of flags that cannot be parsed. After an unknown
// command, its flags are unknown as well, and the command is the error.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return unknownCommand(cmd, args)
	}
	return UsageError(cmd, "%w", err)
}

// unknownCommand refuses arguments of the program itself, which are none of its
// commands. It names the commands that are spelt alike.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	alike := ""
	if names := root.SuggestionsFor(args[0]); len(names) > 0 {
		alike = "\nDid you mean this? " + strings.Join(names, ", ")
	}
	return UsageError(root, "unknown command %q for %q%s", args[0], root.CommandPath(), alike)
}

// NoArguments refuses arguments of a command that takes flags only.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return UsageError(cmd, "unexpected arguments: %s", strings.Join(args, " "))
	}
	return nil
}

// OnlyFiles refuses arguments of a command that takes files, and says how to name
// them.
func OnlyFiles(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return UsageError(cmd, "unexpected argument %q; name files with -f: %s -f %s", args[0], cmd.CommandPath(), args[0])
	}
	return nil
}

// OneWorkload refuses arguments other than KIND/NAME or KIND NAME.
func OneWorkload(cmd *cobra.Command, args []string) error {
	if _, err := parseWorkload(args); err != nil {
		return UsageError(cmd, "%w", err)
	}
	return nil
}

// Workload returns the target that the arguments name, in the namespace in use.
func (s *Session) Workload(args []string) (apply.Target, error) {
	target, err := parseWorkload(args)
	if err != nil {
		return target, err
	}
	target.Namespace, _, err = s.Namespace()
	return target, err
}

// parseWorkload reads KIND/NAME or KIND NAME.
func parseWorkload(args []string) (apply.Target, error) {
	const want = "give one workload as KIND/NAME or KIND NAME"
	var word, name string
	slashes := strings.Count(strings.Join(args, ""), "/")
	switch {
	case len(args) == 1 && slashes == 1:
		word, name, _ = strings.Cut(args[0], "/")
	case len(args) == 2 && slashes == 0:
		word, name = args[0], args[1]
	case len(args) == 0:
		return apply.Target{}, fmt.Errorf("required resource not specified: %s", want)
	case len(args) == 1 && slashes == 0:
		return apply.Target{}, fmt.Errorf("the name is missing after %q: %s", args[0], want)
	default:
		return apply.Target{}, fmt.Errorf("cannot read %q: %s", strings.Join(args, " "), want)
	}
	kind, known := kindOf(word)
	switch {
	case !known:
		return apply.Target{}, fmt.Errorf("resource type %q is not known: it must be %s", word, kindNames())
	case name == "":
		return apply.Target{}, fmt.Errorf("the name is missing after %q: %s", word, want)
	}
	return apply.Target{Kind: kind, Name: name}, nil
}

// kindOf reads a kind as kubectl does a resource: singular, plural or short, in any
// case, with or without its group and version.
func kindOf(word string) (apply.Kind, bool) {
	name, group, qualified := strings.Cut(strings.ToLower(word), ".")
	if qualified && group != "apps" && group != "v1.apps" {
		return "", false
	}
	for _, kind := range apply.Kinds {
		if name == strings.ToLower(string(kind)) || name == kind.Resource() || name == printer.ShortName(kind) {
			return kind, true
		}
	}
	return "", false
}

// kindNames returns "statefulset (sts), deployment (deploy) or daemonset (ds)".
func kindNames() string {
	names := make([]string, len(apply.Kinds))
	for i, kind := range apply.Kinds {
		names[i] = fmt.Sprintf("%s (%s)", strings.ToLower(string(kind)), printer.ShortName(kind))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
