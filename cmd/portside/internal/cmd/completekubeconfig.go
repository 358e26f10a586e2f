package cmd

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

type kubeconfig = clientcmdapi.Config

// completeFromKubeconfig offers names that the kubeconfig has.
func (s *session) completeFromKubeconfig(names func(kubeconfig) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		config, err := s.flags.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, nothing
		}
		return withPrefix(names(config), "", toComplete), nothing
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
