package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// assetsVariable names the folder of the binaries, as in every project that uses
// envtest.
const assetsVariable = "KUBEBUILDER_ASSETS"

const mainModule = "github.com/portside-dev/portside"

const (
	binaryEtcd              = "etcd"
	binaryAPIServer         = "kube-apiserver"
	binaryControllerManager = "kube-controller-manager"
	binaryKubectl           = "kubectl"
)

// findAssets returns the absolute path of the folder that has these binaries:
// $KUBEBUILDER_ASSETS if set, else bin/k8s of the main module. The error names the
// missing binaries and how to get them.
func findAssets(binaries ...string) (string, error) {
	dir := os.Getenv(assetsVariable)
	if dir == "" {
		var err error
		if dir, err = ModuleFile("bin/k8s"); err != nil {
			return "", fmt.Errorf("%w, or set %s to the folder of the control plane's binaries", err, assetsVariable)
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	var missing []string
	for _, binary := range binaries {
		if _, err := os.Stat(filepath.Join(dir, binary)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, binary)
		} else if err != nil {
			return "", fmt.Errorf("cannot find the control plane's binaries: %w", err)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("no %s in %s: %s", strings.Join(missing, ", "), dir, remedy())
	}
	return dir, nil
}

// remedy returns how to get the binaries. A folder that setup-envtest made lacks
// kube-controller-manager.
func remedy() string {
	if os.Getenv(assetsVariable) != "" {
		return "unset " + assetsVariable + " and run `make controlplane`, or set it to a folder that has them"
	}
	return "run `make controlplane`"
}

// ModuleFile returns the path of a file of portside's main module, which is given
// by its path there. The working directory must be in the repository, as that of
// every test is.
func ModuleFile(path string) (string, error) {
	root, err := mainModuleRoot()
	return filepath.Join(root, filepath.FromSlash(path)), err
}

// mainModuleRoot walks up from the working directory to the folder of the main
// module, past the modules that are nested in it.
func mainModuleRoot() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if bytes.HasPrefix(gomod, []byte("module "+mainModule+"\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("cannot find the go.mod of %s above %s; run this in a clone of the repository", mainModule, wd)
		}
	}
}
