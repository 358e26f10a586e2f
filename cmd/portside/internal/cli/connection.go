package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

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

// defaultRequestTimeout keeps a command from hanging on a server that does not
// answer. kubectl waits without an end by default; it has watches, we have none.
const defaultRequestTimeout = "30s"

// connectionFlags returns kubectl's flags, but for those of API discovery: all
// kinds are known.
func connectionFlags() *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true)
	flags.CacheDir = nil
	*flags.Timeout = defaultRequestTimeout
	return flags
}

// Namespace returns the namespace of objects that name none, and whether the user
// gave it with -n.
func (s *Session) Namespace() (namespace string, asked bool, err error) {
	namespace, asked, err = s.flags.ToRawKubeConfigLoader().Namespace()
	return namespace, asked, s.ConnectionError(err)
}

// RESTConfig returns the connection. The server's warnings go to stderr, each once.
func (s *Session) RESTConfig() (*rest.Config, error) {
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return nil, s.ConnectionError(err)
	}
	if err := s.checkConfigured(config); err != nil {
		return nil, s.ConnectionError(err)
	}
	config = rest.CopyConfig(config)
	config.UserAgent = "portside/" + ReadVersion(s.Version).Version
	config.QPS, config.Burst = clientQPS, clientBurst
	config.WarningHandler = rest.NewWarningWriter(s.Messages, rest.WarningWriterOptions{
		Deduplicate: true,
		Color:       s.Messages.Color,
	})
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return apiServerOnly{next} })
	return config, nil
}

// checkConfigured refuses localhost:8080, the server that client-go assumes if
// nothing is configured.
func (s *Session) checkConfigured(config *rest.Config) error {
	if config.Host != clientcmd.ClusterDefaults.Server || os.Getenv("KUBERNETES_MASTER") != "" || *s.flags.APIServer != "" {
		return nil
	}
	raw, err := s.flags.ToRawKubeConfigLoader().RawConfig()
	if err == nil && len(raw.Clusters) == 0 {
		return clientcmd.ErrEmptyConfig
	}
	return nil
}

// AppsClient returns a client of apps/v1.
func (s *Session) AppsClient() (appsclient.AppsV1Interface, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	config.ContentType, config.AcceptContentTypes = protobuf, protobuf+",application/json"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := appsclient.NewForConfig(config)
	return client, s.ConnectionError(err)
}

// Get reads a target, which must exist.
func (s *Session) Get(ctx context.Context, target workload.Target) (*workload.Workload, error) {
	client, err := s.AppsClient()
	if err != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client))
	if err != nil {
		return nil, err
	}
	w, err := applier.Get(ctx, target)
	if err != nil {
		return nil, TargetError(target, err)
	}
	return w, nil
}

// ConnectionError returns an error of the connection's configuration.
func (s *Session) ConnectionError(err error) error {
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
		// client-go has two texts for it, and -n decides which.
		return fmt.Errorf("the connection's configuration: context %q does not exist", s.context())
	}
	return fmt.Errorf(format, err)
}

// missingKubeconfig returns an error if KUBECONFIG names only files that do not
// exist. client-go takes that for no configuration at all.
func (s *Session) missingKubeconfig() error {
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

// context returns the name of the context in use.
func (s *Session) context() string {
	if *s.flags.Context != "" {
		return *s.flags.Context
	}
	raw, err := s.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return ""
	}
	return raw.CurrentContext
}
