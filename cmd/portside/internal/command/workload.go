package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
)

// shortNames are kubectl's.
var shortNames = map[string]workload.Kind{"sts": workload.StatefulSet, "deploy": workload.Deployment, "ds": workload.DaemonSet}

// kindOf reads a kind as kubectl takes a resource: singular, plural or short,
// in any case, with or without its group and version.
func kindOf(word string) (workload.Kind, bool) {
	name, group, qualified := strings.Cut(strings.ToLower(word), ".")
	if qualified && group != "apps" && group != "v1.apps" {
		return "", false
	}
	for _, kind := range workload.Kinds {
		if name == strings.ToLower(string(kind)) || name == kind.Resource() {
			return kind, true
		}
	}
	kind, known := shortNames[name]
	return kind, known
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
		return workload.Target{}, fmt.Errorf("resource type %q is not known: it must be statefulset (sts), deployment (deploy) or daemonset (ds)", word)
	case name == "":
		return workload.Target{}, fmt.Errorf("the name is missing after %q: %s", word, want)
	}
	return workload.Target{Kind: kind, Name: name}, nil
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
