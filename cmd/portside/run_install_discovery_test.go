package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// TestDiscoverySecrets: in a namespace that opted in, portside asks
// with credentials. In another one it says what is missing, and asks once that is
// granted. It gets the Secrets that AdapterSets name, and never lists or watches.
func TestDiscoverySecrets(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	system := cp.Namespace(t)
	i := newInstallation(t, cp, install.Options{Namespace: system, FieldManager: system, DiscoveryNamespaces: []string{"the workloads'"}})
	other := i.in(cp.Namespace(t))
	service := i.start("--selector=installation="+system, "--allow-loopback-pods")
	for _, in := range []*installation{i, other} {
		in.servesAdapters()
		in.asks("Deployment")
	}
	i.expectPorts("Deployment", "asked", "api:8080/TCP", "adapter-nfs:12049/TCP")
	other.expectDiscovered("False", "CredentialsForbidden",
		"portside may not read Secrets in namespace "+other.namespace, "`portside install --discovery-namespace "+other.namespace+" | kubectl apply")
	other.expectPorts("Deployment", "asked", "api:8080/TCP")
	other.expectSecrets("of a namespace that did not opt in to be out of reach", true)
	i.forgetRefusals()

	i.options.DiscoveryNamespaces = append(i.options.DiscoveryNamespaces, other.namespace)
	i.install(i.printed())
	other.expectDiscovered("True", "Answered")
	other.expectPorts("Deployment", "asked", "api:8080/TCP", "adapter-nfs:12049/TCP")
	for verb, want := range map[string]bool{testenv.VerbGet: true, testenv.VerbList: false, testenv.VerbWatch: false} {
		if n := i.sent.CountOf(verb, "secrets"); (n > 0) != want {
			t.Errorf("%s secrets: %d requests", verb, n)
		}
	}
	if code := service.Terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// in returns the installation with the workloads of another namespace.
func (i *installation) in(namespace string) *installation {
	f := &fleet{ControlPlane: i.ControlPlane, t: i.t, namespace: namespace, git: i.Manager("git").In(namespace)}
	return &installation{fleet: f, options: i.options}
}

// expectDiscovered waits until the AdapterSet asked has this condition Discovered.
func (i *installation) expectDiscovered(status, reason string, message ...string) {
	i.t.Helper()
	testenv.Eventually(i.t, "Discovered="+status+", "+reason, func(ctx context.Context) error {
		set, err := i.git.Get(ctx, "AdapterSet", i.namespace, "asked")
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(set.Object, "status", "conditions")
		for _, c := range conditions {
			c, _ := c.(map[string]any)
			if c["type"] != "Discovered" || c["status"] != status || c["reason"] != reason {
				continue
			}
			for _, part := range message {
				if !strings.Contains(fmt.Sprint(c["message"]), part) {
					return fmt.Errorf("no %q in %s", part, c["message"])
				}
			}
			return nil
		}
		return errors.New(fmt.Sprint(conditions))
	})
}
