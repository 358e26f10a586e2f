package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// existing is what a ControlPlane keeps about a cluster that it did not start.
type existing struct {
	kubeconfig string // path

	mu         sync.Mutex
	namespaces []string // that Stop deletes
}

// Existing reports whether this is an existing cluster, see Options.Kubeconfig. It has
// controllers, other clients, and no fake kubelet.
func (cp *ControlPlane) Existing() bool { return cp.existing != nil }

// connect uses the cluster of the current context of a kubeconfig file. kubectl is that
// of the assets, or else that of the PATH.
func connect(kubeconfig string) (*ControlPlane, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("cannot use the cluster of %s: %w", kubeconfig, err)
	}
	config.QPS, config.Burst = 100, 200
	cp := &ControlPlane{admin: config, existing: &existing{kubeconfig: kubeconfig}}
	cp.stop = sync.OnceValue(cp.deleteNamespaces)
	if cp.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	version, err := cp.client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the cluster of %s: %w", kubeconfig, err)
	}
	if cp.release, err = utilversion.ParseGeneric(version.GitVersion); err != nil {
		return nil, err
	}
	if cp.assets, err = findAssets(binaryKubectl); err != nil {
		kubectl, notFound := exec.LookPath(binaryKubectl)
		if notFound != nil {
			return nil, errors.Join(notFound, err)
		}
		cp.assets = filepath.Dir(kubectl)
	}
	if cp.dir, err = os.MkdirTemp("", "portside-testenv-"); err != nil {
		return nil, err
	}
	return cp, cp.writeKubeconfig()
}

// KubeconfigIn returns a kubeconfig file of the administrator with this namespace.
func (cp *ControlPlane) KubeconfigIn(namespace string) ([]byte, error) {
	if !cp.Existing() {
		return KubeconfigOf(cp.admin, namespace)
	}
	file, err := clientcmd.LoadFromFile(cp.existing.kubeconfig)
	if err != nil {
		return nil, err
	}
	if err := clientcmd.ResolveLocalPaths(file); err != nil {
		return nil, err
	}
	if file.Contexts[file.CurrentContext] == nil {
		return nil, fmt.Errorf("%s has no current context", cp.existing.kubeconfig)
	}
	file.Contexts[file.CurrentContext].Namespace = namespace
	return clientcmd.Write(*file)
}

// deleteNamespaces is Stop for an existing cluster. It does not wait until they are
// gone.
func (cp *ControlPlane) deleteNamespaces() error {
	cp.existing.mu.Lock()
	defer cp.existing.mu.Unlock()
	errs := []error{os.RemoveAll(cp.dir)}
	for _, name := range cp.existing.namespaces {
		err := cp.client.CoreV1().Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("cannot delete the namespace %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
