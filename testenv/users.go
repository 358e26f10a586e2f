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

// User returns the configuration of another user with a client certificate. It has
// the permissions that RBAC grants, at first next to none.
func (cp *ControlPlane) User(name string, groups ...string) (*rest.Config, error) {
	return cp.authority.AddUser(envtest.User{Name: name, Groups: groups}, cp.Config())
}

// ExpiredUser returns the configuration of a user whose client certificate has
// expired: the server answers 401.
func (cp *ControlPlane) ExpiredUser(name string, groups ...string) (*rest.Config, error) {
	return cp.authority.issue(envtest.User{Name: name, Groups: groups}, cp.Config(), time.Now().Add(-time.Hour))
}

// Kubeconfig returns a kubeconfig file of the administrator.
func (cp *ControlPlane) Kubeconfig() ([]byte, error) { return cp.KubeconfigIn("") }

// KubeconfigOf returns a kubeconfig file for a configuration with certificates, to
// run a command as that user. An empty namespace is the default namespace.
func KubeconfigOf(config *rest.Config, namespace string) ([]byte, error) {
	if len(config.CAData) == 0 {
		return nil, errors.New("cannot make a kubeconfig: the configuration has no certificate of the server")
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
		return nil, fmt.Errorf("cannot write the kubeconfig: %w", err)
	}
	return content, nil
}
