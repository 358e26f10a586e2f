package testenv

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// User returns the configuration of another user, who proves itself by a client
// certificate. It may do what RBAC grants it: at first next to nothing.
func (cp *ControlPlane) User(name string, groups ...string) (*rest.Config, error) {
	return cp.authority.AddUser(envtest.User{Name: name, Groups: groups}, cp.Config())
}

// ExpiredUser returns the configuration of a user whose client certificate is no
// longer good: the server answers 401 to it.
func (cp *ControlPlane) ExpiredUser(name string, groups ...string) (*rest.Config, error) {
	return cp.authority.issue(envtest.User{Name: name, Groups: groups}, cp.Config(), time.Now().Add(-time.Hour))
}

// Kubeconfig returns a kubeconfig file of the administrator.
func (cp *ControlPlane) Kubeconfig() ([]byte, error) { return KubeconfigOf(cp.admin, "") }

// KubeconfigOf writes a configuration with certificates in it as a kubeconfig
// file, for a command that is run as that user. An empty namespace leaves the
// default.
func KubeconfigOf(config *rest.Config, namespace string) ([]byte, error) {
	if len(config.CAData) == 0 {
		return nil, errors.New("a kubeconfig needs the server's certificate in the configuration")
	}
	const name = "portside-testenv"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos[name] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData,
		ClientKeyData:         config.KeyData,
		Token:                 config.BearerToken,
	}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	file.CurrentContext = name
	content, err := clientcmd.Write(*file)
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return content, nil
}
