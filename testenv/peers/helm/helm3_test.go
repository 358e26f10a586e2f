package helm_test

import (
	"cmp"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

// helm3 is Helm 3, which always merges on the client side.
type helm3 struct {
	chart string // the folder, that of the example by default
	force bool
}

func (h helm3) configuration(s *compat.Site) (*action.Configuration, error) {
	config := &action.Configuration{}
	return config, config.Init(helm.Connection(s), s.Namespace, "", func(string, ...any) {})
}

// Sync is helm upgrade --install.
func (h helm3) Sync(s *compat.Site, c compat.Commit) error {
	config, err := h.configuration(s)
	if err != nil {
		return err
	}
	chart, err := loader.Load(cmp.Or(h.chart, chartFolder))
	if err != nil {
		return err
	}
	if _, err := config.Releases.Last(compat.Name); err != nil {
		install := action.NewInstall(config)
		install.Namespace, install.ReleaseName = s.Namespace, compat.Name
		if _, err := install.RunWithContext(s.Context(), chart, helm.Values(c)); err != nil {
			return fmt.Errorf("helm install: %w", err)
		}
		return nil
	}
	upgrade := action.NewUpgrade(config)
	upgrade.Namespace, upgrade.Force = s.Namespace, h.force
	if _, err := upgrade.RunWithContext(s.Context(), compat.Name, chart, helm.Values(c)); err != nil {
		return fmt.Errorf("helm upgrade: %w", err)
	}
	return nil
}

func (h helm3) Rollback(s *compat.Site, revision int) error {
	config, err := h.configuration(s)
	if err != nil {
		return err
	}
	rollback := action.NewRollback(config)
	rollback.Version, rollback.Force = revision, h.force
	if err := rollback.Run(compat.Name); err != nil {
		return fmt.Errorf("helm rollback: %w", err)
	}
	return nil
}

func (h helm3) Uninstall(s *compat.Site) error {
	config, err := h.configuration(s)
	if err != nil {
		return err
	}
	if _, err := action.NewUninstall(config).Run(compat.Name); err != nil {
		return fmt.Errorf("helm uninstall: %w", err)
	}
	return nil
}
