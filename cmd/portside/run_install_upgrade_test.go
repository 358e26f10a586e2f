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
	"github.com/portside-dev/portside/testenv/portside"
)

const upgradedSet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %[1]s}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %[1]s}
  adapters: [%[2]s]
  deletionPolicy: %[3]s
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`

// TestAnUpgradeRestartsNothing applies what install prints over what it printed
// before, as users upgrade, while AdapterSets are there and their ports in place.
// A replica runs on through it, and another one follows. The process is the one
// of now in both: that of before is not built.
func TestAnUpgradeRestartsNothing(t *testing.T) {
	t.Parallel()
	i, previous := before(t)
	// What the version before called the stabilization window: the API server drops
	// it once the CRD is upgraded, and the default takes its place.
	previousSet := strings.Replace(upgradedSet, "stabilizationWindowSeconds", "settleSeconds", 1)
	workloads := map[string]string{"kept": "Retain", "taken": "Remove"} // by their deletion policies
	histories := map[string]*testenv.History{}
	for name, policy := range workloads {
		histories[name] = i.Record(t, "StatefulSet", i.namespace, name)
		i.apply(fmt.Sprintf(workloadOfFleet, name))
		i.WaitRolledOut(t, "StatefulSet", i.namespace, name)
		i.apply(fmt.Sprintf(previousSet, name, "{type: nfs, port: 12049}", policy))
	}
	i.waitGuarded("kept")
	// The CRD is upgraded before the process: the API server refuses a status with
	// fields that the CRD does not have.
	portside.InstallCRD(t, i.ControlPlane)
	first := i.start()
	i.expectInPlace("1/1", "adapter-nfs:12049/TCP")
	changes := 1
	i.expectTemplateChanges(histories, changes)
	sets := i.uids()

	i.expectSecrets("to be readable as before", false)
	i.install(i.printed())
	i.expectSecrets("to be out of reach", true)
	i.expectNothingLeftOf(previous)
	i.forgetRefusals()
	i.waitGuarded("kept")
	first.MustLive()
	i.expectTemplateChanges(histories, changes)
	if after := i.uids(); !slices.Equal(after, sets) {
		t.Errorf("the AdapterSets are %q, and were %q", after, sets)
	}
	for name, policy := range workloads {
		i.apply(fmt.Sprintf(upgradedSet, name, "{type: nfs, port: 12050}", policy))
	}
	i.expectInPlace("1/1", "adapter-nfs:12050/TCP")
	changes++
	i.expectTemplateChanges(histories, changes)
	if code := first.Terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	next := i.start()
	next.WaitLog(`"leading"`)
	for name, policy := range workloads {
		i.apply(fmt.Sprintf(upgradedSet, name, "{type: nfs, port: 12050}, {type: web, port: 8443}", policy))
	}
	i.expectInPlace("2/2", "adapter-nfs:12050/TCP", "adapter-web:8443/TCP")
	changes++
	i.expectTemplateChanges(histories, changes)
	for name := range workloads {
		i.delete(name)
	}
	i.expectPorts("StatefulSet", "taken", staticPorts...)
	i.expectNothingRefused(next)
}

// before is an installation of the version before, in a control plane of its
// own: the CRD is one for all who share it.
func before(t *testing.T) (i *installation, manifests string) {
	t.Helper()
	text, err := os.ReadFile("testdata/install-previous.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cp, err := testenv.Start(t.Context(), testenv.Options{Controllers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := &fleet{ControlPlane: cp, t: t, namespace: cp.Namespace(t)}
	f.git = cp.Manager("git").In(f.namespace)
	i = &installation{
		fleet:   f,
		options: install.Options{Namespace: install.DefaultNamespace, FieldManager: apply.DefaultFieldManager},
	}
	i.install(string(text))
	testenv.Eventually(t, "AdapterSets to be served", func(ctx context.Context) error {
		_, err := cp.Kubectl(ctx, f.namespace, "", "get", "adaptersets")
		return err
	})
	return i, string(text)
}

// expectInPlace waits until both workloads have these ports, and their status
// says so.
func (i *installation) expectInPlace(summary string, adapters ...string) {
	i.t.Helper()
	for _, name := range []string{"kept", "taken"} {
		i.expectPorts("StatefulSet", name, slices.Concat(staticPorts, adapters)...)
		i.expectReady(name, summary)
	}
}

// expectSecrets waits until the API server refuses portside's token the Secrets of
// the namespace, or does not.
func (i *installation) expectSecrets(what string, refused bool) {
	i.t.Helper()
	token := kubernetes.NewForConfigOrDie(i.user())
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
			i.t.Errorf("%s: %d changes of the template, and %d were called for: %v", name, testenv.TemplateChanges(stored), want, portsIn(stored))
		}
	}
}

func (i *installation) uids() []string {
	i.t.Helper()
	out, err := i.Kubectl(i.t.Context(), i.namespace, "", "get", "adaptersets", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}`)
	if err != nil {
		i.t.Fatal(err)
	}
	return slices.Sorted(strings.Lines(out))
}

// expectNothingLeftOf fails the test when the version before has an object that
// is printed no more: nobody would delete it.
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
			i.t.Errorf("%s is printed no more", id)
		}
	}
}

// forgetRefusals is for an upgrade: what only the version before may not do is
// no matter of this one.
func (i *installation) forgetRefusals() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refused = nil
}
