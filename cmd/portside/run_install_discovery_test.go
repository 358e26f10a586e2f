package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestDiscoverySecrets runs discovery with credentials in a namespace that opted
// in. In another namespace the condition says what is missing, and discovery works
// once that is granted. portside gets the Secrets that AdapterSets name, and never
// lists or watches Secrets.
func TestDiscoverySecrets(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	system := cp.Namespace(t)
	i := newInstallation(t, cp, install.Options{Namespace: system, FieldManager: system, DiscoveryNamespaces: []string{"the workloads'"}})
	other := installationOf(fleetIn(t, cp, cp.Namespace(t)), i.options)
	service := i.start("--selector=installation="+system, "--allow-loopback-pods")
	for _, in := range []*installation{i, other} {
		in.serveAdapters()
		in.discover("Deployment")
	}
	i.expectPorts("Deployment", "asked", "api:8080/TCP", "adapter-nfs:12049/TCP")
	other.expectDiscovered(metav1.ConditionFalse, "CredentialsForbidden",
		"portside may not read Secrets in namespace "+other.namespace, "`portside install --discovery-namespace "+other.namespace+" | kubectl apply")
	other.expectPorts("Deployment", "asked", "api:8080/TCP")
	other.expectSecrets("of a namespace that did not opt in to be out of reach", true)
	i.forgetRefusals()

	i.options.DiscoveryNamespaces = append(i.options.DiscoveryNamespaces, other.namespace)
	i.Apply(t, i.printed())
	other.expectDiscovered(metav1.ConditionTrue, "Answered")
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

// expectDiscovered waits until the AdapterSet asked has this condition Discovered,
// with these parts in its message.
func (i *installation) expectDiscovered(status metav1.ConditionStatus, reason string, message ...string) {
	i.t.Helper()
	testenv.Eventually(i.t, fmt.Sprintf("Discovered=%s, %s", status, reason), func(ctx context.Context) error {
		set, err := i.git.Get(ctx, "AdapterSet", i.namespace, "asked")
		if err != nil {
			return err
		}
		c := fixture.Condition(set, "Discovered")
		if c.Status != status || c.Reason != reason {
			return fmt.Errorf("%+v", c)
		}
		for _, part := range message {
			if !strings.Contains(c.Message, part) {
				return fmt.Errorf("no %q in %s", part, c.Message)
			}
		}
		return nil
	})
}
