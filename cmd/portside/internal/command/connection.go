package command

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes/scheme"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

const (
	// The rate that kubectl allows itself. client-go's own default would
	// stretch a folder of documents over minutes.
	clientQPS   = 50
	clientBurst = 300

	protobuf = "application/vnd.kubernetes.protobuf"
)

// connectionFlags are kubectl's, but for what discovery needs: the three kinds
// are known.
func connectionFlags() *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true)
	flags.CacheDir = nil
	*flags.Timeout = defaultRequestTimeout
	return flags
}

// namespace is the one to use where an object names none, and whether the user
// asked for it with -n.
func (s *session) namespace() (namespace string, asked bool, err error) {
	namespace, asked, err = s.flags.ToRawKubeConfigLoader().Namespace()
	return namespace, asked, s.connectionError(err)
}

// restConfig is the connection. The server's warnings go to stderr, each once.
func (s *session) restConfig() (*rest.Config, error) {
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return nil, s.connectionError(err)
	}
	if err := s.checkConfigured(config); err != nil {
		return nil, s.connectionError(err)
	}
	config = rest.CopyConfig(config)
	config.UserAgent = "portside/" + readVersion(s.version).Version
	config.QPS, config.Burst = clientQPS, clientBurst
	config.WarningHandler = rest.NewWarningWriter(s.messages, rest.WarningWriterOptions{
		Deduplicate: true,
		Color:       s.messages.Color,
	})
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return apiServerOnly{next} })
	return config, nil
}

// checkConfigured refuses the server that client-go makes up where nothing is
// configured: nobody has meant localhost:8080.
func (s *session) checkConfigured(config *rest.Config) error {
	if config.Host != clientcmd.ClusterDefaults.Server || os.Getenv("KUBERNETES_MASTER") != "" || *s.flags.APIServer != "" {
		return nil
	}
	raw, err := s.flags.ToRawKubeConfigLoader().RawConfig()
	if err == nil && len(raw.Clusters) == 0 {
		return clientcmd.ErrEmptyConfig
	}
	return nil
}

func (s *session) client() (appsclient.AppsV1Interface, error) {
	config, err := s.restConfig()
	if err != nil {
		return nil, err
	}
	config.ContentType, config.AcceptContentTypes = protobuf, protobuf+",application/json"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := appsclient.NewForConfig(config)
	return client, s.connectionError(err)
}

func (s *session) applier(manager string, run dryRun) (*apply.Applier, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	return apply.New(workload.ClientGo(client), apply.WithFieldManager(manager), apply.WithDryRun(run == dryRunServer))
}

func (s *session) connectionError(err error) error {
	if err == nil {
		return nil
	}
	const format = "the connection's configuration: %w"
	if missing := s.missingKubeconfig(); missing != nil {
		return fmt.Errorf(format, missing)
	}
	switch {
	case clientcmd.IsEmptyConfig(err) || errors.Is(err, clientcmd.ErrEmptyConfig):
		return err
	case clientcmd.IsContextNotFound(err):
		// client-go has two texts for it, and which one depends on -n.
		return fmt.Errorf("the connection's configuration: context %q does not exist", s.context())
	}
	return fmt.Errorf(format, err)
}

// missingKubeconfig tells that KUBECONFIG names files of which none is there.
// client-go takes that for no configuration at all.
func (s *session) missingKubeconfig() error {
	files := filepath.SplitList(os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	if len(files) == 0 || *s.flags.KubeConfig != "" {
		return nil
	}
	for _, file := range files {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("KUBECONFIG=%s: no such file", strings.Join(files, string(filepath.ListSeparator)))
}

// context is the name of the context in use.
func (s *session) context() string {
	if *s.flags.Context != "" {
		return *s.flags.Context
	}
	raw, err := s.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return ""
	}
	return raw.CurrentContext
}

// dryRun says whether the server is to store what it is sent.
type dryRun string

const (
	dryRunNone   dryRun = "none"
	dryRunServer dryRun = "server"
)

// fieldManagerFlag adds --field-manager, for two installations that share a
// cluster.
func fieldManagerFlag(cmd *cobra.Command, manager *string) {
	cmd.Flags().StringVar(manager, "field-manager", apply.DefaultFieldManager, "Name of the manager used to track field ownership; it must be portside's alone: an apply removes what else its manager applied")
}
