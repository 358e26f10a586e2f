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

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Options choose what runs beside etcd and kube-apiserver.
type Options struct {
	// Controllers also runs the workload controllers and a player of pods.
	// Without them a StatefulSet is only stored: nothing but the test itself
	// changes its resourceVersion, which is what most tests want to watch.
	Controllers bool
	// APIServerFlags are further flags of kube-apiserver, by name without the
	// dashes, for tests that need a feature gate or an admission plugin.
	APIServerFlags map[string]string
}

// ControlPlane is a running control plane. It is safe for concurrent use.
type ControlPlane struct {
	assets string
	dir    string // holds what lives as long as the control plane: logs, kubeconfig
	env    *envtest.Environment
	admin  *rest.Config
	client kubernetes.Interface

	authority   *clientAuthority
	lifeline    *lifeline
	controllers *process   // nil without Options.Controllers
	player      *podPlayer // nil without Options.Controllers

	serverMu sync.Mutex // held while kube-apiserver stops or starts
	serverUp bool

	stop func() error
}

// Start runs a control plane until Stop. When it fails, or when ctx ends before
// everything runs, nothing that it started is left.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	needed := []string{binaryEtcd, binaryAPIServer, binaryKubectl}
	if o.Controllers {
		needed = append(needed, binaryControllerManager)
	}
	assets, err := findAssets(needed...)
	if err != nil {
		return nil, err
	}
	cp := &ControlPlane{assets: assets}
	cp.stop = sync.OnceValue(cp.stopAll)
	if err := cp.startAll(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the control plane: %w", err), cp.Stop())
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
	if cp.player, err = startPodPlayer(ctx, cp.client); err != nil {
		return fmt.Errorf("the player of pods: %w", err)
	}
	return cp.startControllers(ctx)
}

func (cp *ControlPlane) startAPIServer(o Options) error {
	serverPath, err := cp.guarded(binaryAPIServer)
	if err != nil {
		return err
	}
	etcdPath, err := cp.guarded(binaryEtcd)
	if err != nil {
		return err
	}
	if cp.authority, err = newClientAuthority(); err != nil {
		return err
	}
	// On a busy machine the usual 20 seconds are not enough.
	cp.env = &envtest.Environment{ControlPlaneStartTimeout: patience}
	server := cp.env.ControlPlane.GetAPIServer()
	server.Authn = cp.authority
	server.Path = serverPath
	// One of envtest's own making goes when kube-apiserver stops, and a second
	// start would serve other certificates.
	server.CertDir = filepath.Join(cp.dir, "certificates")
	if err := os.Mkdir(server.CertDir, 0o700); err != nil {
		return err
	}
	// Otherwise it waits for watches to end by themselves when it stops.
	server.Configure().Set("shutdown-watch-termination-grace-period", "5s")
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
	config.QPS, config.Burst = -1, 0 // a test that waits for a client's rate limiter measures the limiter
	cp.admin = config
	if cp.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	return cp.writeKubeconfig()
}

func (cp *ControlPlane) guarded(binary string) (string, error) {
	return cp.lifeline.guard(filepath.Join(cp.assets, binary))
}

// Stop ends the processes and goroutines of the control plane and removes its
// files. Further calls return what the first returned.
func (cp *ControlPlane) Stop() error { return cp.stop() }

// stopAll stops in the reverse order of the start, so that nothing loses its
// server first and retries.
func (cp *ControlPlane) stopAll() error {
	var errs []error
	if cp.controllers != nil {
		errs = append(errs, cp.controllers.stop())
	}
	if cp.player != nil {
		cp.player.stop()
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

// Config returns the administrator's configuration, a copy each time, without
// a limit on the rate of requests.
func (cp *ControlPlane) Config() *rest.Config { return rest.CopyConfig(cp.admin) }

// Assets returns the folder of the binaries: kubectl is in it.
func (cp *ControlPlane) Assets() string { return cp.assets }
