package cmd

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newInstall(s *cli.Session) *cobra.Command {
	var (
		options     install.Options
		kubeVersion string
		format      = printer.YAML
	)
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Print the manifests that install portside",
		Long: `Print the manifests that install portside in a cluster, for kubectl apply. No
server is contacted: the same flags always print the same manifests.

RBAC lets portside patch workloads, and admission policies narrow that down to
fields: guard lets portside's ServiceAccount change adapter-* ports and nothing
else, name lets no other user write under its field manager, and leftover lets
owners rename and remove containers that have its ports. With --services it may
patch Services as well, narrowed down in the same way. Secrets are read only in
the namespaces of --discovery-namespace, which must exist.

The manifests are for Kubernetes 1.36 and later; name an older version with
--kube-version. What it does not have is left out, with a warning of the
consequences. 1.34 and 1.35 can have leftover as v1beta1: --beta-policies
includes it, for clusters whose kube-apiserver runs with
--feature-gates=MutatingAdmissionPolicy=true and
--runtime-config=admissionregistration.k8s.io/v1beta1=true.

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

  # Manage the ports of Services as well
  portside install --image registry.example/portside:v1 --services |
    kubectl apply --server-side -f -

  # For an older cluster
  portside install --image registry.example/portside:v1 \
    --kube-version 1.35 | kubectl apply --server-side -f -

  # Remove it again; release workloads and delete AdapterSets first
  portside install | kubectl delete -f -`,
		Args:              cli.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := manifests(&options, kubeVersion)
			if err != nil {
				return cli.UsageError(cmd, "%w", err)
			}
			if !cmd.Flags().Changed("image") {
				s.Messages.Note("image %s is not published; build and push one (make image), and name it with --image", options.Image)
			}
			s.Messages.Note("the manifests are for %s", options.Releases())
			for _, loss := range options.Losses() {
				s.Messages.Warn("%s", loss)
			}
			if options.WatchNamespace != "" {
				s.Messages.Note("metrics authentication needs TokenReview, which a namespaced Role cannot grant; run: kubectl create clusterrolebinding %[2]s-metrics --clusterrole=system:auth-delegator --serviceaccount=%[1]s:%[2]s",
					options.Namespace, options.FieldManager)
			}
			_, err = s.Out.Write(text)
			return err
		},
	}
	installationFlags(cmd, s, &options)
	cmd.Flags().StringVar(&options.Image, "image", imageOf(s.Version), "Image to run; the default is not published")
	cmd.Flags().StringVar(&kubeVersion, "kube-version", "", "Version of the cluster, such as 1.35; by default the newest")
	cmd.Flags().BoolVar(&options.BetaPolicies, "beta-policies", false, "Include the leftover policy as v1beta1, where kube-apiserver serves it; with --kube-version 1.34 or 1.35")
	cli.Choose(cmd, &format, "output", "o", "Output format", string(printer.YAML))
	return cmd
}

// installationFlags adds the flags that describe an installation.
func installationFlags(cmd *cobra.Command, s *cli.Session, o *install.Options) {
	flags := cmd.Flags()
	flags.StringVarP(&o.Namespace, "namespace", "n", install.DefaultNamespace, "Namespace to run in")
	flags.StringVar(&o.WatchNamespace, "watch-namespace", "", "Namespace of the workloads; by default all. With it nothing is cluster-wide but the CRD and the policies")
	flags.StringSliceVar(&o.DiscoveryNamespaces, "discovery-namespace", nil, "Namespace whose Secrets portside may read, which discovery with credentialsRef needs; may be repeated. By default none")
	flags.StringSliceVar(&o.ExcludeNamespaces, "exclude-namespace", []string{install.DefaultExcludedNamespace}, "Namespace whose workloads portside may not write to; may be repeated, and replaces the default. An empty name excludes none")
	flags.BoolVar(&o.Services, "services", false, "Manage the ports of Services as well, which AdapterSets with spec.services need; portside may then patch Services")
	flags.BoolVar(&o.WithoutPolicies, "without-policies", false, "Leave the admission policies out; with --watch-namespace only")
	cli.FieldManagerFlag(cmd, &o.FieldManager)
	for _, flag := range []string{"namespace", "watch-namespace", "discovery-namespace", "exclude-namespace"} {
		cli.MustComplete(cmd, flag, s.CompleteNamespaces())
	}
}

// manifests returns the manifests for the flags.
func manifests(o *install.Options, kubeVersion string) ([]byte, error) {
	if kubeVersion != "" {
		v, err := install.ParseKubeVersion(kubeVersion)
		if err != nil {
			return nil, fmt.Errorf("--kube-version: %w", err)
		}
		o.KubeVersion = v
	}
	switch {
	case o.BetaPolicies && kubeVersion == "":
		return nil, errors.New("--beta-policies needs --kube-version 1.34 or 1.35: from 1.36 on no policy is a beta")
	case o.WithoutPolicies && o.WatchNamespace == "":
		return nil, errors.New("--without-policies needs --watch-namespace: without policies portside could change every field of every workload")
	case o.Image == "":
		return nil, errors.New("--image is empty: name the image to run, or leave the flag out for the default")
	}
	objects, err := install.Manifests(*o)
	if err != nil {
		return nil, err
	}
	return install.YAML(objects)
}

// tag matches the tags that an image may have.
var tag = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// imageOf returns the image of this version of the program, or that of the manifests
// for a build without a version.
func imageOf(version string) string {
	if !tag.MatchString(version) {
		return install.DefaultImage
	}
	return "portside:" + version
}
