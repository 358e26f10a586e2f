package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestUpgradeRestartsNothing applies what install prints over what the version
// before printed, as users upgrade, while AdapterSets exist and their ports are in
// place. One replica runs through the upgrade, and another one replaces it. Both
// are the program of these sources: that of the version before is not built.
func TestUpgradeRestartsNothing(t *testing.T) {
	t.Parallel()
	i, previous := installPrevious(t)
	workloads := map[string]string{"kept": "Retain", "taken": "Remove"} // by their deletion policies
	histories := map[string]*testenv.History{}
	for name, policy := range workloads {
		histories[name] = i.Record(t, "StatefulSet", i.namespace, name)
		i.apply(staticWorkload(name))
		i.WaitRolledOut(t, "StatefulSet", i.namespace, name)
		// The version before calls the stabilization window settleSeconds: the API
		// server drops it once the CRD is upgraded, and the default takes its place.
		i.apply(fixture.AdapterSet(name, fixture.Target("StatefulSet", name), fixture.Adapters("nfs:12049"),
			fixture.Spec("{deletionPolicy: "+policy+", rollout: {settleSeconds: 0, removalDelaySeconds: 0}}")))
	}
	i.WaitGuard(t, "StatefulSet", i.namespace, "kept")
	// The CRD is upgraded before the process: the API server refuses a status with
	// fields that the CRD does not have.
	portside.InstallCRD(t, i.fleet.ControlPlane)
	first := i.start()
	i.expectInPlace("1/1", "adapter-nfs:12049/TCP")
	changes := 1
	i.expectTemplateChanges(histories, changes)
	sets := i.uids()

	i.expectSecrets("to be readable as before", false)
	i.Apply(t, i.printed())
	i.expectSecrets("to be out of reach", true)
	i.expectNothingLeftOf(previous)
	i.forgetRefusals()
	i.WaitGuard(t, "StatefulSet", i.namespace, "kept")
	first.MustLive()
	i.expectTemplateChanges(histories, changes)
	if after := i.uids(); !slices.Equal(after, sets) {
		t.Errorf("the AdapterSets are %q, and were %q", after, sets)
	}
	i.declareAll(workloads, "nfs:12050")
	i.expectInPlace("1/1", "adapter-nfs:12050/TCP")
	changes++
	i.expectTemplateChanges(histories, changes)
	if code := first.Terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	next := i.start()
	next.WaitLog(`"leading"`)
	i.declareAll(workloads, "nfs:12050", "web:8443")
	i.expectInPlace("2/2", "adapter-nfs:12050/TCP", "adapter-web:8443/TCP")
	changes++
	i.expectTemplateChanges(histories, changes)
	for name := range workloads {
		i.delete(name)
	}
	i.expectPorts("StatefulSet", "taken", staticPorts...)
	i.expectNothingRefused(next)
}

// installPrevious installs the version before in a control plane of its own, since
// all installations of a control plane share the CRD.
func installPrevious(t *testing.T) (i *installation, manifests string) {
	t.Helper()
	text, err := os.ReadFile("testdata/install-previous.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	i = installationOf(fleetIn(t, cp, cp.Namespace(t)),
		install.Options{Namespace: install.DefaultNamespace, FieldManager: apply.DefaultFieldManager})
	text = []byte(servedBy(cp, string(text)))
	i.Apply(t, string(text))
	testenv.Eventually(t, "AdapterSets to be served", func(ctx context.Context) error {
		_, err := cp.Kubectl(ctx, i.namespace, "", "get", "adaptersets")
		return err
	})
	return i, string(text)
}

// servedBy returns the manifests without those of MutatingAdmissionPolicy v1 on a
// release that does not serve it, as portside install prints them for that release.
func servedBy(cp *testenv.ControlPlane, manifests string) string {
	var served []string
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		if !strings.Contains(document, "kind: MutatingAdmissionPolicy") || strings.Contains(document, cp.MutatingPolicies()+"\n") {
			served = append(served, document)
		}
	}
	return strings.Join(served, "\n---\n")
}

// declareAll declares the adapters of workloads, by their deletion policies.
func (i *installation) declareAll(policies map[string]string, adapters ...string) {
	i.t.Helper()
	for name, policy := range policies {
		i.apply(setOf("StatefulSet", name, fixture.Adapters(adapters...), fixture.Spec("deletionPolicy: "+policy)))
	}
}

// expectInPlace waits until both workloads have these ports and the status says so.
func (i *installation) expectInPlace(summary string, adapters ...string) {
	i.t.Helper()
	for _, name := range []string{"kept", "taken"} {
		i.expectPorts("StatefulSet", name, slices.Concat(staticPorts, adapters)...)
		i.expectReady(name, summary)
	}
}

// expectSecrets waits until the API server refuses to show portside's token the
// Secrets of the namespace, or until it shows them.
func (i *installation) expectSecrets(what string, refused bool) {
	i.t.Helper()
	token := kubernetes.NewForConfigOrDie(i.Token(i.t))
	testenv.Eventually(i.t, "Secrets "+what, func(ctx context.Context) error {
		_, err := token.CoreV1().Secrets(i.namespace).Get(ctx, "no-such", metav1.GetOptions{})
		if apierrors.IsForbidden(err) != refused {
			return fmt.Errorf("the answer is: %w", err)
		}
		return nil
	})
}

func (i *installation) expectTemplateChanges(histories map[string]*testenv.History, want int) {
	i.t.Helper()
	for name, h := range histories {
		if stored := h.Stored(i.t); testenv.TemplateChanges(stored) != want {
			i.t.Errorf("%s: %d changes of the template, want %d: %v", name, testenv.TemplateChanges(stored), want, portsIn(stored))
		}
	}
}

func (i *installation) uids() []string {
	i.t.Helper()
	out := i.MustKubectl(i.t, i.namespace, "", "get", "adaptersets", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}`)
	return slices.Sorted(strings.Lines(out))
}

// expectNothingLeftOf fails the test if the version before has an object that is no
// longer printed: an upgrade would leave it behind.
func (i *installation) expectNothingLeftOf(previous string) {
	i.t.Helper()
	names := map[string]bool{}
	for _, o := range i.manifests() {
		names[o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName()] = true
	}
	for document := range strings.SplitSeq(previous, "\n---\n") {
		o, err := testenv.Object(document)
		if err != nil {
			i.t.Fatal(err)
		}
		if id := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName(); !names[id] {
			i.t.Errorf("%s is no longer printed", id)
		}
	}
}

// forgetRefusals drops the refusals so far: before an upgrade they are the
// permissions of the version before.
func (i *installation) forgetRefusals() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refused = nil
}
