package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply/workload"
)

// kindOf reads a kind as kubectl takes a resource: singular, plural or short,
// in any case, with or without its group and version.
func kindOf(word string) (*workload.Definition, bool) {
	name, group, qualified := strings.Cut(strings.ToLower(word), ".")
	for _, d := range workload.Definitions() {
		if qualified && group != d.Kind.Group && group != d.Version+"."+d.Kind.Group {
			continue
		}
		if name == singular(d.Kind) || name == d.Resource || slices.Contains(d.ShortNames, name) {
			return d, true
		}
	}
	return nil, false
}

// singular returns the singular name of a kind's resource.
func singular(kind workload.Kind) string { return strings.ToLower(kind.Kind) }

// kindNames returns the names of the kinds as "statefulset (sts), deployment (deploy) or
// daemonset (ds)".
func kindNames() string {
	var names []string
	for _, d := range workload.Definitions() {
		names = append(names, fmt.Sprintf("%s (%s)", singular(d.Kind), strings.Join(d.ShortNames, ", ")))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// workloadArgument refuses anything but KIND/NAME or KIND NAME.
func workloadArgument(cmd *cobra.Command, args []string) error {
	if _, err := parseWorkload(args); err != nil {
		return usageError(cmd, "%w", err)
	}
	return nil
}

// parseWorkload reads KIND/NAME or KIND NAME.
func parseWorkload(args []string) (workload.Target, error) {
	const want = "give one workload as KIND/NAME or KIND NAME"
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

// workload is the target that the arguments name, in the namespace in use.
func (s *session) workload(args []string) (workload.Target, error) {
	target, err := parseWorkload(args)
	if err != nil {
		return target, err
	}
	target.Namespace, _, err = s.namespace()
	return target, err
}

// notFound returns the error for a target that does not exist.
func notFound(t workload.Target) error {
	return &exitError{code: exitRefused, err: fmt.Errorf("%s not found; check the name, the namespace (-n) and the cluster (--context)", t)}
}

func containerFlag(cmd *cobra.Command, s *session, container *string, usage string) {
	cmd.Flags().StringVarP(container, "container", "c", "", usage)
	mustComplete(cmd, "container", s.completeContainers)
}
