// Package cmd has portside's commands, a verb a file: flags, a call and a print.
package cmd

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
)

// New returns the program, which [cli.Run] runs.
func New(streams genericiooptions.IOStreams, version string, options ...cli.Option) *cobra.Command {
	s := cli.NewSession(streams, version, options...)
	root := &cobra.Command{
		Use:   "portside",
		Short: "Keep the adapter-* ports of workloads and Services, and own nothing else",
		Long: `portside keeps the adapter-* ports of a workload in sync with the protocol
adapters that it serves, through a server-side apply field manager of its own.
Every other field stays with the manager that declares it. It does the same in
the Services that lead to the workload, where an AdapterSet lists them.

A workload is a ` + cli.Kinds() + `.`,
	}
	root.AddCommand(newSync(s), newDiff(s), newOwners(s), newHistory(s), newAdopt(s), newRelease(s),
		newReconcile(s), newSuspend(s), newResume(s), newCheck(s), newInstall(s), newRun(s), newVersion(s), newCompletion(s))
	s.SetUp(root)
	return root
}
