package cmd

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion(s *cli.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the shell code for completion (bash, zsh, fish, powershell)",
		Long: `Print the shell code that completes commands, flags, and the names of workloads,
containers, managers and namespaces as they are in the cluster.

As a kubectl plugin (kubectl portside), the binary must be in a folder of your
PATH under the name kubectl-portside, for example as a link. kubectl runs a
program named kubectl_complete-portside for completion. Put this script under
that name, executable, into a folder of your PATH, too:

  #!/bin/sh
  exec kubectl-portside __complete "$@"`,
		Example: `  # bash, in this shell and in later ones
  source <(portside completion bash)
  portside completion bash \
    > ~/.local/share/bash-completion/completions/portside

  # zsh
  portside completion zsh > "${fpath[1]}/_portside"

  # fish
  portside completion fish > ~/.config/fish/completions/portside.fish

  # powershell
  portside completion powershell | Out-String | Invoke-Expression`,
		Args:              oneShell,
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(s.Out, true)
			case "zsh":
				return root.GenZshCompletion(s.Out)
			case "fish":
				return root.GenFishCompletion(s.Out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(s.Out)
			}
		},
	}
}

func oneShell(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) != 1:
		return cli.UsageError(cmd, "give one shell: %s", strings.Join(shells, ", "))
	case !slices.Contains(shells, args[0]):
		return cli.UsageError(cmd, "unsupported shell %q: it must be one of %s", args[0], strings.Join(shells, ", "))
	}
	return nil
}
