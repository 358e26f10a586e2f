package cli

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/portside-dev/portside/apply/workload"
)

const (
	// completionTimeout is how long a shell may wait. Without an answer nothing is
	// offered and nothing printed.
	completionTimeout = 2 * time.Second
	// completionLimit is the most names that are listed.
	completionLimit = 500
)

// CompleteTargets offers kinds, then the names in the cluster, for KIND/NAME as
// well as KIND NAME.
func (s *Session) CompleteTargets(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	const noFiles = cobra.ShellCompDirectiveNoFileComp
	word, _, slash := strings.Cut(toComplete, "/")
	switch {
	case len(args) == 1 && !strings.Contains(args[0], "/"):
		return withPrefix(s.targets(cmd, args[0], ""), toComplete), noFiles
	case len(args) > 0:
		return nil, noFiles
	case slash:
		return withPrefix(s.targets(cmd, word, word+"/"), toComplete), noFiles
	}
	kinds := targetWords(toComplete)
	slices.Sort(kinds)
	return withPrefix(kinds, toComplete), noFiles | cobra.ShellCompDirectiveNoSpace
}

// targetWords returns the words for workloads and Services, with their short names once a
// letter is given.
func targetWords(toComplete string) []string {
	var kinds []string
	for _, d := range workload.TargetDefinitions() {
		kinds = append(kinds, singular(d)+"/")
		if toComplete == "" {
			continue // each kind is offered once
		}
		for _, short := range d.ShortNames {
			kinds = append(kinds, short+"/")
		}
	}
	return kinds
}

// targets returns the objects of a kind in the namespace in use, each after a
// prefix.
func (s *Session) targets(cmd *cobra.Command, word, prefix string) []string {
	kind, known := kindOf(word)
	namespace, _, err := s.Namespace()
	if !known || err != nil {
		return nil
	}
	names := s.names(cmd, kind.GroupVersion().WithResource(kind.Resource), namespace)
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names
}

// CompleteNamespaces offers the namespaces of the cluster.
func (s *Session) CompleteNamespaces() cobra.CompletionFunc {
	return among(func(cmd *cobra.Command, _ []string) []string {
		return s.names(cmd, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, "")
	})
}

// CompleteFrom offers what a function finds in the target that the arguments name.
func (s *Session) CompleteFrom(find func(cmd *cobra.Command, w *workload.Workload) []string) cobra.CompletionFunc {
	return among(func(cmd *cobra.Command, args []string) []string {
		target, err := s.Target(args)
		if err != nil {
			return nil
		}
		*s.flags.Timeout = completionTimeout.String()
		ctx, cancel := completionContext(cmd)
		defer cancel()
		w, err := s.Get(ctx, target)
		if err != nil {
			return nil
		}
		return find(cmd, w)
	})
}

// completeContainers offers the containers of the workload.
func (s *Session) completeContainers() cobra.CompletionFunc {
	return s.CompleteFrom(func(_ *cobra.Command, w *workload.Workload) []string {
		var names []string
		for _, c := range w.Containers {
			names = append(names, c.Name)
		}
		return names
	})
}

// completeConnectionFlags completes kubectl's flags from the cluster and the
// kubeconfig.
func (s *Session) completeConnectionFlags(root *cobra.Command) {
	MustComplete(root, "namespace", s.CompleteNamespaces())
	MustComplete(root, "log-format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	for flag, names := range map[string]func(clientcmdapi.Config) []string{
		"context": func(k clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(k.Contexts)) },
		"cluster": func(k clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(k.Clusters)) },
		"user":    func(k clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(k.AuthInfos)) },
	} {
		MustComplete(root, flag, among(func(*cobra.Command, []string) []string {
			config, err := s.flags.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil
			}
			return names(config)
		}))
	}
}

// names lists the objects of a resource.
func (s *Session) names(cmd *cobra.Command, resource schema.GroupVersionResource, namespace string) []string {
	config, err := s.RESTConfig()
	if err != nil {
		return nil
	}
	config.Timeout, config.WarningHandler = completionTimeout, rest.NoWarnings{}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil
	}
	ctx, cancel := completionContext(cmd)
	defer cancel()
	list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: completionLimit})
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// completionContext bounds a whole completion: client-go may send a request more
// than once.
func completionContext(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	return context.WithTimeout(ctx, completionTimeout)
}

// among offers the candidates that begin with the word to complete, and no files.
func among(candidates func(cmd *cobra.Command, args []string) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return withPrefix(candidates(cmd, args), toComplete), cobra.ShellCompDirectiveNoFileComp
	}
}

func withPrefix(words []string, prefix string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return !strings.HasPrefix(word, prefix) })
}
