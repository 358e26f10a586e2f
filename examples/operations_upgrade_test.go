package examples_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// previous is what the version before installed.
const previous = "../cmd/portside/testdata/install-previous.yaml"

const crdName = "adaptersets.portside.dev"

// upgrade has this version of the service run with the CRD of the version before, then
// with its own, and then with a newer one. The control plane is the test's own, since
// the CRD is the cluster's.
func (o *operations) upgrade() {
	// The version before calls the stabilization window settleSeconds.
	renamed := fixture.Spec("{rollout: {settleSeconds: 3, removalDelaySeconds: 7}}")
	set := fixture.AdapterSet(dittofs, fixture.Target("StatefulSet", dittofs), fixture.Adapters("nfs:12049"), renamed)
	o.installAsHelm()
	o.git.MustApply(o.t, set)
	s := o.start()
	o.expectOldCRD(s)
	generation := o.workload().GetGeneration()

	o.mustRun(o.scripts("Upgrades", 2)[0])
	o.mustRun(o.scripts("The CRD of the chart", 1)[0])
	o.mustRun(strings.Replace(o.scripts("Upgrades", 2)[1], "portside install", "portside install --kube-version="+o.Release().String(), 1))
	o.expectState("Owned")
	o.expectRenamed(set)
	s.MustLive()

	o.newerCRD()
	o.expectRatcheting()
	o.expectUnknownFieldKept()
	s.MustLive()
	o.expectGeneration(generation)
}

// installAsHelm creates the CRD of the version before, as Helm does.
func (o *operations) installAsHelm() {
	o.t.Helper()
	for _, document := range documents(o.t, previous) {
		if object := read(o.t, document); object.GetKind() == crd {
			o.Manager("helm").MustCreate(o.t, object)
		}
	}
	testenv.Eventually(o.t, "AdapterSets to be served", func(ctx context.Context) error {
		_, err := o.Kubectl(ctx, o.namespace, "", "get", "adaptersets")
		return err
	})
}

// expectOldCRD checks that a service that is newer than the CRD reconciles the ports,
// and stores no status.
func (o *operations) expectOldCRD(s *portside.Service) {
	o.t.Helper()
	o.expectPorts("adapter-nfs:12049/TCP")
	testenv.Eventually(o.t, "a failed write of the status", func(ctx context.Context) error {
		text, err := s.Scrape(ctx)
		if err != nil {
			return err
		}
		if strings.Contains(text, "\nportside_status_write_failures_total 0\n") {
			return errors.New("no write failed")
		}
		return nil
	})
}

// expectRenamed checks an AdapterSet with a field that the CRD no longer has.
func (o *operations) expectRenamed(set *unstructured.Unstructured) {
	o.t.Helper()
	live := o.git.MustGet(o.t, "AdapterSet", o.namespace, dittofs)
	rollout, _, _ := unstructured.NestedMap(live.Object, "spec", "rollout")
	if want := "map[mode:Immediate removalDelaySeconds:7 stabilizationWindowSeconds:10]"; fmt.Sprint(rollout) != want {
		o.t.Errorf("rollout is %v, want %s", rollout, want)
	}
	if _, err := o.git.Apply(o.t.Context(), set); err == nil || !strings.Contains(err.Error(), "settleSeconds") {
		o.t.Errorf("an apply with settleSeconds: %v", err)
	}
	set = set.DeepCopy()
	set.SetNamespace(o.namespace)
	o.write("adapterset.yaml", set)
	out, err := o.run("portside diff -f adapterset.yaml")
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(out, "settleSeconds") {
		o.t.Errorf("portside diff: %v\n%s", err, out)
	}
}

// newerCRD gives the CRD a field more than this version knows, and a validation that
// the live AdapterSet does not meet.
func (o *operations) newerCRD() {
	o.t.Helper()
	_, err := o.Manager(testenv.Kubectl).Update(o.t.Context(), "CustomResourceDefinition", "", crdName, func(crd *unstructured.Unstructured) {
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		schema := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties"}
		version := versions[0].(map[string]any)
		must(o.t, unstructured.SetNestedField(version, map[string]any{"type": "string"}, append(schema, "future")...))
		must(o.t, unstructured.SetNestedField(version, int64(12000), append(schema, "adapters", "items", "properties", "port", "maximum")...))
		must(o.t, unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"))
	})
	must(o.t, err)
	testenv.Eventually(o.t, "another invalid number to be refused", func(ctx context.Context) error {
		const patch = `{"spec":{"adapters":[{"type":"nfs","port":12050,"protocol":"TCP"}]}}`
		_, err := o.Kubectl(ctx, o.namespace, "", "patch", "adapterset", dittofs, "--type=merge", "--dry-run=server", "-p", patch)
		if err == nil || !strings.Contains(err.Error(), "less than or equal to 12000") {
			return fmt.Errorf("not refused: %w", err)
		}
		return nil
	})
}

// expectRatcheting checks that fields can be changed next to a value that is invalid
// now, and that a manifest with that value can still be applied.
func (o *operations) expectRatcheting() {
	o.t.Helper()
	for _, suspend := range []string{"true", "false"} {
		o.git.MustPatch(o.t, "AdapterSet", o.namespace, dittofs, types.MergePatchType, []byte(`{"spec":{"suspend":`+suspend+`}}`))
	}
	o.declare(12049)
}

// expectUnknownFieldKept checks that the service reconciles an AdapterSet with a field
// that it does not know, and keeps that field.
func (o *operations) expectUnknownFieldKept() {
	o.t.Helper()
	o.declare(12049, fixture.Spec("future: later"), fixture.Spec("deletionPolicy: Remove"))
	o.expectState("Owned")
	testenv.Eventually(o.t, "the finalizer", func(ctx context.Context) error {
		live, err := o.git.Get(ctx, "AdapterSet", o.namespace, dittofs)
		if err == nil && len(live.GetFinalizers()) == 0 {
			err = errors.New("there is none")
		}
		return err
	})
	live := o.git.MustGet(o.t, "AdapterSet", o.namespace, dittofs)
	if value, _, _ := unstructured.NestedString(live.Object, "spec", "future"); value != "later" {
		o.t.Errorf("spec.future is %q", value)
	}
}
