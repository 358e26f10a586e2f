package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// CompleteObjects offers the kinds that the cluster serves, then the names of objects, for
// KIND/NAME… as well as KIND NAME….
func (s *Session) CompleteObjects(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	const noFiles = cobra.ShellCompDirectiveNoFileComp
	word, _, slash := strings.Cut(toComplete, "/")
	switch {
	case slash:
		return withPrefix(s.objectNames(cmd, word, word+"/", args), toComplete), noFiles
	case len(args) > 0 && !strings.Contains(args[0], "/"):
		return withPrefix(s.objectNames(cmd, args[0], "", args[1:]), toComplete), noFiles
	}
	return withPrefix(s.kindWords(cmd, toComplete), toComplete), noFiles | cobra.ShellCompDirectiveNoSpace
}

// kindWords returns the words for kinds: those of workloads and Services, with their short
// names once a letter is given, and those that the cluster serves.
func (s *Session) kindWords(cmd *cobra.Command, toComplete string) []string {
	kinds := targetWords(toComplete)
	ctx, cancel := completionContext(cmd)
	defer cancel()
	*s.flags.Timeout = completionTimeout.String()
	if cluster, err := s.served(ctx); err == nil {
		lists, _ := cluster.discovery.ServerPreferredResources() // of the groups that answer
		for _, list := range lists {
			for _, r := range list.APIResources {
				if slices.Contains(r.Verbs, "get") {
					kinds = append(kinds, strings.ToLower(r.Kind)+"/")
				}
			}
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// objectNames returns the names of the objects of a kind, each after a prefix, but for those
// that are given already.
func (s *Session) objectNames(cmd *cobra.Command, word, prefix string, given []string) []string {
	*s.flags.Timeout = completionTimeout.String()
	namespace, _, err := s.Namespace()
	if err != nil {
		return nil
	}
	ctx, cancel := completionContext(cmd)
	defer cancel()
	cluster, err := s.served(ctx)
	if err != nil {
		return nil
	}
	resource, found := cluster.resourceOf(word)
	if !found {
		return nil
	}
	if cluster.isClusterScoped(resource) {
		namespace = ""
	}
	var names []string
	for _, name := range s.names(cmd, resource, namespace) {
		if !slices.Contains(given, prefix+name) {
			names = append(names, prefix+name)
		}
	}
	return names
}
