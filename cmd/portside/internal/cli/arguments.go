package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply/workload"
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

// OneTarget refuses arguments other than KIND/NAME or KIND NAME.
func OneTarget(cmd *cobra.Command, args []string) error {
	if _, err := parseTarget(args); err != nil {
		return UsageError(cmd, "%w", err)
	}
	return nil
}

// Target returns the target that the arguments name, in the namespace in use.
func (s *Session) Target(args []string) (workload.Target, error) {
	target, err := parseTarget(args)
	if err != nil {
		return target, err
	}
	target.Namespace, _, err = s.Namespace()
	return target, err
}

// parseTarget reads KIND/NAME or KIND NAME.
func parseTarget(args []string) (workload.Target, error) {
	const want = "give one workload or Service as KIND/NAME or KIND NAME"
	var word, name string
	slashes := strings.Count(strings.Join(args, ""), "/")
	switch {
	case len(args) == 1 && slashes == 1:
		word, name, _ = strings.Cut(args[0], "/")
	case len(args) == 2 && slashes == 0:
		word, name = args[0], args[1]
	case len(args) == 0:
		return workload.Target{}, fmt.Errorf("required resource not specified: %s", want)
	case len(args) == 1 && slashes == 0:
		return workload.Target{}, fmt.Errorf("the name is missing after %q: %s", args[0], want)
	default:
		return workload.Target{}, fmt.Errorf("cannot read %q: %s", strings.Join(args, " "), want)
	}
	kind, known := kindOf(word)
	switch {
	case !known:
		return workload.Target{}, fmt.Errorf("resource type %q is not known: it must be %s", word, kindNames())
	case name == "":
		return workload.Target{}, fmt.Errorf("the name is missing after %q: %s", word, want)
	}
	return workload.Target{Kind: kind.Kind, Name: name}, nil
}

// kindOf reads a kind as kubectl does a resource: singular, plural or short, in any
// case, with or without its group and version.
func kindOf(word string) (*workload.Definition, bool) {
	name, group, qualified := strings.Cut(strings.ToLower(word), ".")
	for _, d := range workload.TargetDefinitions() {
		if qualified && group != d.Kind.Group && group != d.Version+"."+d.Kind.Group {
			continue
		}
		if name == singular(d) || name == d.Resource || slices.Contains(d.ShortNames, name) {
			return d, true
		}
	}
	return nil, false
}

// singular returns the singular of a kind's resource.
func singular(d *workload.Definition) string { return strings.ToLower(d.Kind.Kind) }

// kindNames returns "statefulset (sts), deployment (deploy), daemonset (ds) or service
// (svc)".
func kindNames() string {
	var names []string
	for _, d := range workload.TargetDefinitions() {
		names = append(names, fmt.Sprintf("%s (%s)", singular(d), strings.Join(d.ShortNames, ", ")))
	}
	return or(names)
}

// Kinds returns the kinds of workloads, "StatefulSet, Deployment or DaemonSet", for help.
func Kinds() string {
	var names []string
	for _, kind := range workload.Kinds() {
		names = append(names, kind.String())
	}
	return or(names)
}

// or returns "a, b or c".
func or(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
