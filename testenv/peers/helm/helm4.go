package helm

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/portside-dev/portside/testenv/peers/compat"
)

// Helm4 has the options of Helm 4 that decide how it writes.
type Helm4 struct {
	Chart          string // the folder of the chart
	ClientSide     bool   // --server-side=false
	ForceConflicts bool   // --force-conflicts
	ForceReplace   bool   // --force-replace
}

// Values returns the values for a commit: of the chart of examples/helm or, for a
// Service, of a chart that has one object.
func Values(c compat.Commit) map[string]any {
	if c.Kind == compat.ServiceKind {
		return map[string]any{"manifest": c.Manifest()}
	}
	ports := []any{}
	for _, p := range c.Ports {
		port := map[string]any{"name": p.Name, "containerPort": p.Number, "protocol": "TCP"}
		if p.Protocol != "" {
			port["protocol"] = p.Protocol
		}
		ports = append(ports, port)
	}
	values := map[string]any{"image": c.Image, "ports": ports}
	if c.OmitPorts {
		values["ports"] = nil
	}
	if c.Container != "" {
		values["container"] = c.Container
	}
	return values
}

// Connection returns how Helm 3 and 4 connect to the site's server. It writes
// nothing to the home folder.
func Connection(s *compat.Site) *genericclioptions.ConfigFlags {
	kubeconfig, cache := s.KubeconfigFile(), filepath.Join(s.TempDir(), "cache")
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Namespace, flags.CacheDir = &kubeconfig, &s.Namespace, &cache
	return flags
}

// Configuration returns Helm 4's configuration, with releases stored in Secrets.
func Configuration(s *compat.Site) (*action.Configuration, error) {
	config := action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	return config, config.Init(Connection(s), s.Namespace, "")
}

// Sync is helm upgrade --install.
func (h Helm4) Sync(s *compat.Site, c compat.Commit) error {
	config, err := Configuration(s)
	if err != nil {
		return err
	}
	if _, err := config.Releases.Last(compat.Name); err != nil {
		return h.Install(s, Values(c))
	}
	loaded, err := loader.Load(h.Chart)
	if err != nil {
		return err
	}
	upgrade := action.NewUpgrade(config)
	upgrade.Namespace, upgrade.WaitStrategy = s.Namespace, kube.HookOnlyStrategy
	upgrade.ServerSideApply = h.serverSide()
	upgrade.ForceConflicts, upgrade.ForceReplace = h.ForceConflicts, h.ForceReplace
	if _, err := upgrade.RunWithContext(s.Context(), compat.Name, loaded, Values(c)); err != nil {
		return fmt.Errorf("helm upgrade: %w", err)
	}
	return nil
}

// Install is helm install with these values in addition to the chart's.
func (h Helm4) Install(s *compat.Site, values map[string]any) error {
	config, err := Configuration(s)
	if err != nil {
		return err
	}
	loaded, err := loader.Load(h.Chart)
	if err != nil {
		return err
	}
	install := action.NewInstall(config)
	install.Namespace, install.ReleaseName, install.WaitStrategy = s.Namespace, compat.Name, kube.HookOnlyStrategy
	install.ServerSideApply = !h.ClientSide
	install.ForceConflicts = h.ForceConflicts
	if _, err := install.RunWithContext(s.Context(), loaded, values); err != nil {
		return fmt.Errorf("helm install: %w", err)
	}
	return nil
}

// serverSide returns the option as an upgrade and a rollback take it.
func (h Helm4) serverSide() string { return strconv.FormatBool(!h.ClientSide) }

// Rollback is helm rollback to a revision.
func (h Helm4) Rollback(s *compat.Site, revision int) error {
	config, err := Configuration(s)
	if err != nil {
		return err
	}
	rollback := action.NewRollback(config)
	rollback.Version, rollback.WaitStrategy = revision, kube.HookOnlyStrategy
	rollback.ServerSideApply = h.serverSide()
	rollback.ForceConflicts, rollback.ForceReplace = h.ForceConflicts, h.ForceReplace
	if err := rollback.Run(compat.Name); err != nil {
		return fmt.Errorf("helm rollback: %w", err)
	}
	return nil
}

// Uninstall is helm uninstall.
func (h Helm4) Uninstall(s *compat.Site) error {
	config, err := Configuration(s)
	if err != nil {
		return err
	}
	uninstall := action.NewUninstall(config)
	uninstall.WaitStrategy, uninstall.DeletionPropagation = kube.HookOnlyStrategy, "background"
	if _, err := uninstall.Run(compat.Name); err != nil {
		return fmt.Errorf("helm uninstall: %w", err)
	}
	return nil
}

// Last returns the last deployed release.
func Last(s *compat.Site) (*release.Release, error) {
	config, err := Configuration(s)
	if err != nil {
		return nil, err
	}
	last, err := config.Releases.Deployed(compat.Name)
	if err != nil {
		return nil, err
	}
	typed, ok := last.(*release.Release)
	if !ok {
		return nil, fmt.Errorf("cannot use a release of type %T", last)
	}
	return typed, nil
}
