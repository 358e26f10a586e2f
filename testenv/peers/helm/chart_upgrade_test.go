package helm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/kube"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestChart_upgrade upgrades the release of an earlier chart, with the values of before,
// as users do: the CRD first, then helm upgrade. The API server accepts every object, the
// Deployment keeps its selector and its image, the AdapterSets stay, and the guard is in
// force. The control plane is its own: the policies would act on other tests.
func TestChart_upgrade(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Own(t, testenv.Options{}))
	workloads := s.Namespace
	s.Namespace = "portside-system"
	s.MustKubectl(t, "", "", "create", "namespace", s.Namespace)
	owner := s.Manager("kubectl").In(workloads)
	owner.MustApply(t, fixture.StatefulSet("dittofs", fixture.Container("dittofs", "api:8080/TCP")))
	for name, upgrade := range map[string]func(u *action.Upgrade) (values map[string]any){
		"reuse values": func(u *action.Upgrade) map[string]any {
			u.ReuseValues = true
			return map[string]any{}
		},
		"reset then reuse values": func(u *action.Upgrade) map[string]any {
			u.ResetThenReuseValues = true
			return map[string]any{}
		},
		"a file of values": func(*action.Upgrade) map[string]any { return readValues(t, valuesBefore) },
	} {
		t.Run(name, func(t *testing.T) {
			previous, crd := chartBefore(t)
			s.MustKubectl(t, "", crd, "apply", "--server-side", "-f", "-")
			testenv.Eventually(t, "AdapterSets to be served", func(ctx context.Context) error {
				_, err := s.Kubectl(ctx, workloads, "", "get", "adaptersets")
				return err
			})
			owner.MustApply(t, fixture.AdapterSet("dittofs", fixture.Target("StatefulSet", "dittofs"), fixture.Adapters("nfs:12049")))
			uid := s.MustKubectl(t, workloads, "", "get", "adapterset", "dittofs", "-o", "jsonpath={.metadata.uid}")
			config, err := helm.Configuration(s)
			compat.Must(t, err)
			install := action.NewInstall(config)
			install.Namespace, install.ReleaseName, install.WaitStrategy = s.Namespace, compat.Name, kube.HookOnlyStrategy
			loaded, err := loader.Load(previous)
			compat.Must(t, err)
			_, err = install.RunWithContext(s.Context(), loaded, readValues(t, valuesBefore))
			compat.Must(t, err)
			selector := s.MustKubectl(t, s.Namespace, "", "get", "deployment", "portside", "-o", "jsonpath={.spec.selector}")

			s.MustKubectl(t, "", "", "apply", "--server-side", "--force-conflicts", "-f", filepath.Join(portsideChart, "crds"))
			u := action.NewUpgrade(config)
			u.Namespace, u.WaitStrategy, u.ServerSideApply = s.Namespace, kube.HookOnlyStrategy, "true"
			values := upgrade(u)
			loaded, err = loader.Load(portsideChart)
			compat.Must(t, err)
			_, err = u.RunWithContext(s.Context(), compat.Name, loaded, values)
			compat.Must(t, err)

			for path, want := range map[string]string{
				"{.spec.selector}":                                               selector,
				"{.spec.replicas}":                                               "2",
				"{.spec.template.spec.containers[*].image}":                      "portside:devel",
				"{.spec.template.spec.containers[*].resources.limits}":           `{"memory":"256Mi"}`,
				`{.metadata.labels.app\.kubernetes\.io/version}`:                 "v0.1.0",
				`{.spec.template.spec.topologySpreadConstraints[*].topologyKey}`: "kubernetes.io/hostname",
			} {
				if got := s.MustKubectl(t, s.Namespace, "", "get", "deployment", "portside", "-o", "jsonpath="+path); got != want {
					t.Errorf("%s of the Deployment is %s, want %s", path, got, want)
				}
			}
			if after := s.MustKubectl(t, workloads, "", "get", "adapterset", "dittofs", "-o", "jsonpath={.metadata.uid}"); after != uid {
				t.Errorf("the AdapterSet has the UID %s, and had %s", after, uid)
			}
			portside.Installation{ControlPlane: s.ControlPlane, Namespace: s.Namespace, FieldManager: "portside"}.
				WaitGuard(t, "StatefulSet", workloads, "dittofs")
			uninstall := action.NewUninstall(config)
			uninstall.WaitStrategy, uninstall.DeletionPropagation = kube.HookOnlyStrategy, "background"
			_, err = uninstall.Run(compat.Name)
			compat.Must(t, err)
		})
	}
}

// chartBefore writes a chart with the objects of an earlier release, which only has the
// values of before, and returns its folder and that release's CRD.
func chartBefore(t *testing.T) (folder, crd string) {
	t.Helper()
	installed, err := os.ReadFile("../../../cmd/portside/testdata/install-previous.yaml")
	compat.Must(t, err)
	var templates []string
	for document := range strings.SplitSeq(string(installed), "\n---\n") {
		switch {
		case strings.Contains(document, "\nkind: Namespace\n"):
		case strings.Contains(document, "\nkind: CustomResourceDefinition\n"):
			crd = document
		default:
			templates = append(templates, document)
		}
	}
	values, err := os.ReadFile(valuesBefore)
	compat.Must(t, err)
	folder = t.TempDir()
	compat.Must(t, os.Mkdir(filepath.Join(folder, "templates"), 0o700))
	for name, content := range map[string]string{
		"Chart.yaml":         "{apiVersion: v2, name: portside, version: 0.0.0}\n",
		"values.yaml":        string(values),
		"templates/all.yaml": strings.Join(templates, "\n---\n"),
	} {
		compat.Must(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	return folder, crd
}
