package testenv_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/testenv"
)

func TestExistingCluster(t *testing.T) {
	t.Parallel()
	cluster := testenv.WithControllers(t)
	cp, err := testenv.Start(t.Context(), testenv.Options{Kubeconfig: cluster.KubeconfigFile()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cp.Release().String(), cluster.Release().String(); got != want || !cp.Existing() || cluster.Existing() {
		t.Errorf("release %s, existing %t, want %s of an existing cluster", got, cp.Existing(), want)
	}
	ns := cp.Namespace(t)
	// The controllers write status, which must not count as a change by the steps.
	owner := testenv.Apply{Manager: testenv.ArgoCD, Object: strings.Replace(declared(static), "spec:\n", "spec:\n  replicas: 0\n", 1)}
	scenario(
		owner, applyPorts(adapterNFS), testenv.Expect{Change: testenv.SpecChanged},
		owner, testenv.Expect{Change: testenv.NothingChanged},
		applyPorts(adapters), testenv.Expect{Change: testenv.SpecChanged},
		applyPorts(adapters), testenv.Expect{Change: testenv.NothingChanged},
	).RunIn(t, cp, ns)
	if got := cp.MustKubectl(t, ns, "", "get", "statefulsets", "--output=name"); got != "statefulset.apps/dittofs\n" {
		t.Errorf("kubectl prints %q, want the StatefulSet", got)
	}

	if err := cp.Stop(); err != nil {
		t.Error(err)
	}
	testenv.Eventually(t, "the namespace to be deleted", func(ctx context.Context) error {
		_, err := cluster.Manager("testenv").Get(ctx, "Namespace", "", ns)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("it still exists"), err)
	})
}
