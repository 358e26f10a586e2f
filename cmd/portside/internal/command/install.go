package command

import (
	"regexp"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
)

type installCommand struct {
	*session
	options     install.Options
	kubeVersion string
	format      output.Format
}

func newInstall(s *session) *cobra.Command {
	i := &installCommand{session: s, format: output.YAML}
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Print the manifests that install portside",
		Long: `Print the manifests that install portside in a cluster, for kubectl apply. No
server is contacted: the same flags always print the same manifests.

RBAC lets portside patch workloads, and admission policies narrow that down to
fields: guard lets portside's ServiceAccount change adapter-* ports and nothing
else, name lets no other user write under its field manager, and leftover lets
owners rename and remove containers that have its ports. Secrets are read only
in the namespaces of --discovery-namespace, which must exist. What a version of
Kubernetes does not have is left out, with a warning of the consequences.

The default image is not published: build one, push it, and name it with
--image.

Exit codes: 0 when the manifests were printed; 1 when a flag is unusable.`,
		Example: `  # Everything, for all namespaces
  portside install --image registry.example/portside:v1 |
    kubectl apply --server-side -f -

  # For the workloads of one namespace: RBAC grants nothing elsewhere
  portside install --image registry.example/portside:v1 \
    --watch-namespace storage | kubectl apply --server-side -f -

  # Let the AdapterSets of a namespace use Secrets for discovery
  portside install --image registry.example/portside:v1 \
    --discovery-namespace storage | kubectl apply --server-side -f -

  # For an older cluster
  portside install --image registry.example/portside:v1 \
    --kube-version 1.33 | kubectl apply --server-side -f -

  # Remove it again; release workloads and delete AdapterSets first
  portside install | kubectl delete -f -`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return i.install(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&i.options.Namespace, "namespace", "n", install.DefaultNamespace, "Namespace to run in")
	flags.StringVar(&i.options.Image, "image", imageOf(s.version), "Image to run; the default is not published")
	flags.StringVar(&i.options.WatchNamespace, "watch-namespace", "", "Namespace of the workloads; by default all. With it nothing is cluster-wide but the CRD and the policies")
	s.namespacesFlags(cmd, &i.options)
	fieldManagerFlag(cmd, &i.options.FieldManager)
	flags.StringVar(&i.kubeVersion, "kube-version", "", "Version of the cluster, such as 1.33; by default the newest")
	flags.BoolVar(&i.options.WithoutPolicies, "without-policies", false, "Leave the admission policies out; with --watch-namespace only")
	choose(cmd, &i.format, "output", "o", "Output format", string(output.YAML))
	mustComplete(cmd, "namespace", s.completeNamespaces)
	mustComplete(cmd, "watch-namespace", s.completeNamespaces)
	return cmd
}

// namespacesFlags adds the flags that take several namespaces.
func (s *session) namespacesFlags(cmd *cobra.Command, o *install.Options) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.DiscoveryNamespaces, "discovery-namespace", nil, "Namespace whose Secrets portside may read, which discovery with credentialsRef needs; may be repeated. By default none")
	flags.StringSliceVar(&o.ExcludeNamespaces, "exclude-namespace", []string{install.DefaultExcludedNamespace}, "Namespace whose workloads portside may not write to; may be repeated, and replaces the default. An empty name excludes none")
	mustComplete(cmd, "discovery-namespace", s.completeNamespaces)
	mustComplete(cmd, "exclude-namespace", s.completeNamespaces)
}

func (i *installCommand) install(cmd *cobra.Command) error {
	if i.kubeVersion != "" {
		v, err := install.ParseKubeVersion(i.kubeVersion)
		if err != nil {
			return usageError(cmd, "--kube-version: %w", err)
		}
		i.options.KubeVersion = v
	}
	if i.options.WithoutPolicies && i.options.WatchNamespace == "" {
		return usageError(cmd, "--without-policies needs --watch-namespace: without policies portside could change every field of every workload")
	}
	if i.options.Image == "" {
		return usageError(cmd, "--image is empty: name the image to run, or leave the flag out for the default")
	}
	objects, err := install.Manifests(i.options)
	if err != nil {
		return usageError(cmd, "%w", err)
	}
	text, err := install.YAML(objects)
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("image") {
		i.messages.Note("image %s is not published; build and push one (make image), and name it with --image", i.options.Image)
	}
	for _, loss := range i.options.Losses() {
		i.messages.Warn("%s", loss)
	}
	if i.options.WatchNamespace != "" {
		i.messages.Note("metrics authentication needs TokenReview, which a namespaced Role cannot grant; run: kubectl create clusterrolebinding %[2]s-metrics --clusterrole=system:auth-delegator --serviceaccount=%[1]s:%[2]s",
			i.options.Namespace, i.options.FieldManager)
	}
	_, err = i.out.Write(text)
	return err
}

// tag is what a tag of an image may be.
var tag = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// imageOf is the image of this version of the program; of a build that has no
// version of its own it is the manifests'.
func imageOf(version string) string {
	if !tag.MatchString(version) {
		return "portside:devel"
	}
	return "portside:" + version
}
