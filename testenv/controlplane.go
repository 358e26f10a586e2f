package testenv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Options are the options of a control plane.
type Options struct {
	// Controllers also runs the workload controllers and a fake kubelet. Without
	// them a StatefulSet is only stored: its resourceVersion changes by the test
	// alone, which is what most tests need.
	Controllers bool
	// APIServerFlags are further flags of kube-apiserver by name, without dashes:
	// for feature gates and admission plugins.
	APIServerFlags map[string]string
	// Kubeconfig uses the existing cluster of the current context of this file instead,
	// as its administrator. The other options do not apply to it.
	Kubeconfig string
}

// ControlPlane is a running control plane. It is safe for concurrent use.
type ControlPlane struct {
	assets  string
	release *utilversion.Version
	dir     string // with logs and kubeconfig, until Stop
	env     *envtest.Environment
	admin   *rest.Config
	client  kubernetes.Interface

	authority   *clientAuthority
	lifeline    *lifeline
	controllers *process     // nil without Options.Controllers
	kubelet     *fakeKubelet // nil without Options.Controllers

	serverMu sync.Mutex // held while kube-apiserver stops or starts
	serverUp bool

	existing *existing // nil for a control plane that this process started

	stop func() error
}

// Start runs a control plane until Stop. If it fails or ctx ends before everything
// runs, it stops what it has started.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	if o.Kubeconfig != "" {
		return connect(o.Kubeconfig)
	}
	needed := []string{binaryEtcd, binaryAPIServer, binaryKubectl}
	if o.Controllers {
		needed = append(needed, binaryControllerManager)
	}
	assets, err := findAssets(needed...)
	if err != nil {
		return nil, err
	}
	cp := &ControlPlane{assets: assets}
	if cp.release, err = releaseOf(ctx, assets); err != nil {
		return nil, err
	}
	cp.stop = sync.OnceValue(cp.stopAll)
	if err := cp.startAll(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start the control plane: %w", err), cp.Stop())
	}
	return cp, nil
}

func (cp *ControlPlane) startAll(ctx context.Context, o Options) (err error) {
	if cp.dir, err = os.MkdirTemp("", "portside-testenv-"); err != nil {
		return err
	}
	if cp.lifeline, err = newLifeline(cp.dir); err != nil {
		return err
	}
	if err := cp.startAPIServer(o); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !o.Controllers {
		return nil
	}
	if cp.kubelet, err = startFakeKubelet(ctx, cp.client); err != nil {
		return fmt.Errorf("cannot start the fake kubelet: %w", err)
	}
	return cp.startControllers(ctx)
}

func (cp *ControlPlane) startAPIServer(o Options) error {
	serverPath, err := cp.guard(binaryAPIServer)
	if err != nil {
		return err
	}
	etcdPath, err := cp.guard(binaryEtcd)
	if err != nil {
		return err
	}
	if cp.authority, err = newClientAuthority(); err != nil {
		return err
	}
	// The default of 20 seconds is too short on a busy machine.
	cp.env = &envtest.Environment{ControlPlaneStartTimeout: patience}
	server := cp.env.ControlPlane.GetAPIServer()
	server.Authn = cp.authority
	server.Path = serverPath
	// envtest removes a folder that it made itself when kube-apiserver stops, and a
	// second start would serve other certificates.
	server.CertDir = filepath.Join(cp.dir, "certificates")
	if err := os.Mkdir(server.CertDir, 0o700); err != nil {
		return err
	}
	// By default it waits for watches to end by themselves when it stops.
	server.Configure().Set("shutdown-watch-termination-grace-period", "5s")
	// envtest's range has 254 addresses, which the Services of many tests use up.
	server.Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	for flag, value := range betaFlags(cp.release) {
		server.Configure().Set(flag, value)
	}
	for _, flag := range slices.Sorted(maps.Keys(o.APIServerFlags)) {
		server.Configure().Set(flag, o.APIServerFlags[flag])
	}
	cp.env.ControlPlane.Etcd = &envtest.Etcd{Path: etcdPath}
	cp.env.ControlPlane.KubectlPath = filepath.Join(cp.assets, binaryKubectl)

	config, err := cp.env.Start()
	if err != nil {
		return err
	}
	cp.serverUp = true
	config.QPS, config.Burst = -1, 0 // no rate limit: tests would wait for it
	cp.admin = config
	if cp.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	return cp.writeKubeconfig()
}

func (cp *ControlPlane) guard(binary string) (string, error) {
	return cp.lifeline.guard(filepath.Join(cp.assets, binary))
}

// Stop ends the processes and goroutines of the control plane and removes its
// files. Further calls return the result of the first.
func (cp *ControlPlane) Stop() error { return cp.stop() }

// stopAll stops in the reverse order of the start, so that nothing loses its server
// and retries.
func (cp *ControlPlane) stopAll() error {
	var errs []error
	if cp.controllers != nil {
		errs = append(errs, cp.controllers.stop())
	}
	if cp.kubelet != nil {
		cp.kubelet.stop()
	}
	if cp.env != nil {
		errs = append(errs, cp.env.Stop())
	}
	if cp.lifeline != nil {
		errs = append(errs, cp.lifeline.close())
	}
	if cp.dir != "" {
		errs = append(errs, os.RemoveAll(cp.dir))
	}
	return errors.Join(errs...)
}

// Config returns a copy of the administrator's configuration, without a rate limit.
func (cp *ControlPlane) Config() *rest.Config { return rest.CopyConfig(cp.admin) }

// Assets returns the folder of the binaries, such as kubectl.
func (cp *ControlPlane) Assets() string { return cp.assets }
