package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

const (
	// completionTimeout is how long a shell may hang on the key. Without an
	// answer nothing is offered, and nothing said.
	completionTimeout = 2 * time.Second
	// completionLimit is how many names are asked for: nobody reads more.
	completionLimit = 500
)

const nothing = cobra.ShellCompDirectiveNoFileComp

// completeWorkloads offers kinds, then names that are in the cluster, for
// KIND/NAME as well as KIND NAME.
func (s *session) completeWorkloads(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	word, begun, slash := strings.Cut(toComplete, "/")
	switch {
	case len(args) == 1 && !strings.Contains(args[0], "/"):
		if kind, known := kindOf(args[0]); known {
			return withPrefix(s.names(cmd, kind), "", toComplete), nothing
		}
	case len(args) > 0:
	case slash:
		if kind, known := kindOf(word); known {
			return withPrefix(s.names(cmd, kind), word+"/", word+"/"+begun), nothing
		}
	default:
		var kinds []string
		for _, d := range workload.Definitions() {
			kinds = append(kinds, singular(d.Kind)+"/")
			if toComplete == "" {
				continue // each kind is offered once
			}
			for _, short := range d.ShortNames {
				kinds = append(kinds, short+"/")
			}
		}
		slices.Sort(kinds)
		return withPrefix(kinds, "", toComplete), nothing | cobra.ShellCompDirectiveNoSpace
	}
	return nil, nothing
}

// names are the workloads of a kind in the namespace in use.
func (s *session) names(cmd *cobra.Command, kind *workload.Definition) []string {
	namespace, _, err := s.namespace()
	if err != nil {
		return nil
	}
	return s.namesOf(cmd, kind.GroupVersion().WithResource(kind.Resource), namespace)
}

func (s *session) completeNamespaces(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return withPrefix(s.namesOf(cmd, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, ""), "", toComplete), nothing
}

func (s *session) namesOf(cmd *cobra.Command, resource schema.GroupVersionResource, namespace string) []string {
	config, err := s.completionConfig()
	if err != nil {
		return nil
	}
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

// completeContainers offers the containers of the workload named so far.
func (s *session) completeContainers(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if w := s.completionLook(cmd, args); w != nil {
		for _, c := range w.Containers {
			names = append(names, c.Name)
		}
	}
	return withPrefix(names, "", toComplete), nothing
}

// completeManagers offers the managers that own adapter ports of the workload
// named so far, but for the one that would take them over.
func (s *session) completeManagers(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if w := s.completionLook(cmd, args); w != nil {
		ours := cmd.Flag("field-manager").Value.String()
		names = slices.DeleteFunc(adapterPortOwners(w), func(name string) bool { return name == ours })
	}
	return withPrefix(names, "", toComplete), nothing
}

func (s *session) completionLook(cmd *cobra.Command, args []string) *workload.Workload {
	target, err := s.workload(args)
	if err != nil {
		return nil
	}
	*s.flags.Timeout = completionTimeout.String()
	ctx, cancel := completionContext(cmd)
	defer cancel()
	applier, err := s.applier(apply.DefaultFieldManager, dryRunServer)
	if err != nil {
		return nil
	}
	w, err := applier.Get(ctx, target)
	if err != nil {
		return nil
	}
	return w
}

func (s *session) completionConfig() (*rest.Config, error) {
	config, err := s.restConfig()
	if err != nil {
		return nil, err
	}
	config.Timeout = completionTimeout
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

// completionContext bounds all of a completion: client-go may try a request
// more than once.
func completionContext(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	return context.WithTimeout(ctx, completionTimeout)
}

// completeConnectionFlags completes kubectl's flags from the cluster and the
// kubeconfig.
func (s *session) completeConnectionFlags(root *cobra.Command) {
	mustComplete(root, "namespace", s.completeNamespaces)
	mustComplete(root, "log-format", cobra.FixedCompletions([]string{"text", "json"}, nothing))
	mustComplete(root, "context", s.completeFromKubeconfig(func(k kubeconfig) []string { return keys(k.Contexts) }))
	mustComplete(root, "cluster", s.completeFromKubeconfig(func(k kubeconfig) []string { return keys(k.Clusters) }))
	mustComplete(root, "user", s.completeFromKubeconfig(func(k kubeconfig) []string { return keys(k.AuthInfos) }))
}

func withPrefix(words []string, put, prefix string) []string {
	matching := []string{}
	for _, word := range words {
		if strings.HasPrefix(put+word, prefix) {
			matching = append(matching, put+word)
		}
	}
	return matching
}
