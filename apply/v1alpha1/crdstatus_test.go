package v1alpha1_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	configv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

// typedClient reads and writes AdapterSets as the controller does.
func (c *cluster) typedClient(config *rest.Config) client.Client {
	c.t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		c.t.Fatal(err)
	}
	typed, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		c.t.Fatal(err)
	}
	return typed
}

func (c *cluster) createdSet(object *unstructured.Unstructured) *v1alpha1.AdapterSet {
	c.t.Helper()
	set := &v1alpha1.AdapterSet{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, set); err != nil {
		c.t.Fatal(err)
	}
	set.Namespace = c.namespace
	if err := c.typedClient(c.Config()).Create(c.t.Context(), set, client.FieldOwner(testenv.Kubectl)); err != nil {
		c.t.Fatal(err)
	}
	return set
}

// someStatus is the status of a set with two ports of one name, of which one is
// Blocked.
func someStatus() *configv1alpha1.AdapterSetStatusApplyConfiguration {
	port := func(number int64, state string) *configv1alpha1.PortStatusApplyConfiguration {
		return configv1alpha1.PortStatus().WithType("nfs").WithName("adapter-nfs").
			WithPort(number).WithProtocol("TCP").WithState(state)
	}
	return configv1alpha1.AdapterSetStatus().
		WithObservedGeneration(1).
		WithTarget(configv1alpha1.TargetStatus().WithUID("0b3c").WithContainer("dittofs")).
		WithFieldManager(testenv.Portside).
		WithDesiredPorts(2).WithReadyPorts(1).
		WithPorts(
			port(12049, "Owned").WithLastChangeTime(metav1.Unix(1600000000, 0)).WithOwners(configv1alpha1.PortOwner().
				WithManager(testenv.Portside).WithOperation(metav1.ManagedFieldsOperationApply)),
			port(2049, "Blocked").WithReason("NameTaken").WithInactiveSince(metav1.Unix(1700000000, 0)).WithMessage("another port has the name"),
		).
		WithChanges(configv1alpha1.PortsChange().WithTime(metav1.Unix(1600000000, 0)).WithManager(testenv.Portside).WithPorts(
			configv1alpha1.ChangedPort().WithContainer("dittofs").WithPort(12049).WithProtocol("TCP").WithChange(v1alpha1.PortRemoved),
			configv1alpha1.ChangedPort().WithContainer("dittofs").WithName("adapter-nfs").WithPort(12049).WithProtocol("TCP").WithChange(v1alpha1.PortAdded),
		)).
		WithConditions(applymetav1.Condition().WithType("Ready").WithStatus(metav1.ConditionFalse).
			WithReason("Conflicting").WithMessage("adapter-nfs is there already").
			WithObservedGeneration(1).WithLastTransitionTime(metav1.Unix(1700000000, 0)))
}

func (c *cluster) applyStatus(status *configv1alpha1.AdapterSetStatusApplyConfiguration) error {
	set := configv1alpha1.AdapterSet("dittofs", c.namespace).WithStatus(status)
	return c.typedClient(c.Config()).Status().Apply(c.t.Context(), set, client.FieldOwner(testenv.Portside))
}

func (c *cluster) liveSet() *v1alpha1.AdapterSet {
	c.t.Helper()
	set := &v1alpha1.AdapterSet{}
	if err := c.typedClient(c.Config()).Get(c.t.Context(), client.ObjectKey{Namespace: c.namespace, Name: "dittofs"}, set); err != nil {
		c.t.Fatal(err)
	}
	return set
}

func TestStatusByServerSideApply(t *testing.T) {
	c := newCluster(t)
	created := c.createdSet(smallest())
	if err := c.applyStatus(someStatus()); err != nil {
		t.Fatal(err)
	}
	live := c.liveSet()
	if live.Generation != created.Generation {
		t.Errorf("the generation went from %d to %d", created.Generation, live.Generation)
	}
	if diff := cmp.Diff(created.Spec, live.Spec); diff != "" {
		t.Errorf("the spec changed: %s", diff)
	}
	since, changed := metav1.Unix(1700000000, 0), metav1.Unix(1600000000, 0)
	want := v1alpha1.AdapterSetStatus{
		ObservedGeneration: 1, FieldManager: "portside", DesiredPorts: 2, ReadyPorts: 1,
		Target: &v1alpha1.TargetStatus{UID: "0b3c", Container: "dittofs"},
		Ports: []v1alpha1.PortStatus{
			{
				Type: "nfs", Name: "adapter-nfs", Port: 12049, Protocol: "TCP", State: "Owned",
				Owners: []v1alpha1.PortOwner{{Manager: "portside", Operation: "Apply"}}, LastChangeTime: &changed,
			},
			{
				Type: "nfs", Name: "adapter-nfs", Port: 2049, Protocol: "TCP", State: "Blocked", Reason: "NameTaken",
				InactiveSince: &since, Message: "another port has the name",
			},
		},
		Changes: []v1alpha1.PortsChange{{Time: changed, Manager: "portside", Ports: []v1alpha1.ChangedPort{
			{Container: "dittofs", Port: 12049, Protocol: "TCP", Change: "Removed"},
			{Container: "dittofs", Name: "adapter-nfs", Port: 12049, Protocol: "TCP", Change: "Added"},
		}}},
		Conditions: []metav1.Condition{{
			Type: "Ready", Status: "False", Reason: "Conflicting", Message: "adapter-nfs is there already",
			ObservedGeneration: 1, LastTransitionTime: since,
		}},
	}
	if diff := cmp.Diff(want, live.Status); diff != "" {
		t.Error(diff)
	}
	managers := []string{}
	for _, entry := range live.ManagedFields {
		managers = append(managers, entry.Manager+" "+string(entry.Operation)+" "+entry.Subresource)
	}
	if diff := cmp.Diff([]string{"portside Apply status", "kubectl Update "}, managers); diff != "" {
		t.Errorf("the managers: %s", diff)
	}

	if err := c.applyStatus(someStatus()); err != nil {
		t.Fatal(err)
	}
	if again := c.liveSet(); again.ResourceVersion != live.ResourceVersion {
		t.Errorf("the same status again moved the resourceVersion from %s to %s", live.ResourceVersion, again.ResourceVersion)
	}
	if err := c.applyStatus(configv1alpha1.AdapterSetStatus().WithReadyPorts(3)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v1alpha1.AdapterSetStatus{ReadyPorts: 3}, c.liveSet().Status); diff != "" {
		t.Errorf("what is no longer applied stays: %s", diff)
	}
}

func TestStatusIsChecked(t *testing.T) {
	c := newCluster(t)
	c.createdSet(smallest())
	port := configv1alpha1.PortStatus
	owned := func(owner *configv1alpha1.PortOwnerApplyConfiguration) *configv1alpha1.AdapterSetStatusApplyConfiguration {
		return configv1alpha1.AdapterSetStatus().WithPorts(port().WithName("a").WithPort(1).WithState("Owned").WithOwners(owner))
	}
	moved := manyChanges(1, 1)[0]
	moved.Ports[0].WithChange("Moved")
	for want, status := range map[string]*configv1alpha1.AdapterSetStatusApplyConfiguration{
		`status.ports[0].state: Unsupported value: "Lost"`:                    configv1alpha1.AdapterSetStatus().WithPorts(port().WithName("a").WithPort(1).WithState("Lost")),
		"status.ports[0].name: Required value":                                configv1alpha1.AdapterSetStatus().WithPorts(port().WithPort(1).WithState("Owned")),
		"status.ports[0].port: Required value":                                configv1alpha1.AdapterSetStatus().WithPorts(port().WithName("a").WithState("Owned")),
		"status.ports[0].state: Required value":                               configv1alpha1.AdapterSetStatus().WithPorts(port().WithName("a").WithPort(1)),
		"status.ports[0].owners[0].operation: Required value":                 owned(configv1alpha1.PortOwner().WithManager("a")),
		"status.ports[0].owners[0].manager: Required value":                   owned(configv1alpha1.PortOwner().WithOperation("Apply")),
		"status.target.container: Required value":                             configv1alpha1.AdapterSetStatus().WithTarget(configv1alpha1.TargetStatus().WithUID("a")),
		"status.changes: Too many: 11: must have at most 10 items":            configv1alpha1.AdapterSetStatus().WithChanges(manyChanges(11, 1)...),
		"status.changes[0].ports: Too many: 129: must have at most 128 items": configv1alpha1.AdapterSetStatus().WithChanges(manyChanges(1, 129)...),
		`status.changes[0].ports[0].change: Unsupported value: "Moved"`:       configv1alpha1.AdapterSetStatus().WithChanges(moved),
		"status.target.uid: Required value":                                   configv1alpha1.AdapterSetStatus().WithTarget(configv1alpha1.TargetStatus().WithContainer("a")),
	} {
		if err := c.applyStatus(status); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, not %s", err, want)
		}
	}
}

// manyChanges are so many changes of so many ports each.
func manyChanges(changes, ports int) []*configv1alpha1.PortsChangeApplyConfiguration {
	all := make([]*configv1alpha1.PortsChangeApplyConfiguration, 0, changes)
	for range changes {
		change := configv1alpha1.PortsChange().WithTime(metav1.Unix(1600000000, 0)).WithManager(testenv.Portside)
		for i := range int32(ports) {
			change.WithPorts(configv1alpha1.ChangedPort().WithContainer("dittofs").WithPort(1 + i).WithProtocol("TCP").WithChange(v1alpha1.PortAdded))
		}
		all = append(all, change)
	}
	return all
}

// columns splits a table as people do, by two spaces and more.
var columns = regexp.MustCompile(` {2,}`)

// TestColumns: a column shows one value, so of several Blocked ports the first.
func TestColumns(t *testing.T) {
	c := newCluster(t)
	c.createdSet(smallest())
	if err := c.applyStatus(someStatus()); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string][][]string{
		"": {
			{"NAME", "TARGET", "PORTS", "DESIRED", "READY", "REASON", "AGE"},
			{"dittofs", "dittofs", "1", "2", "False", "Conflicting", "AGE"},
		},
		"wide": {
			{"NAME", "TARGET", "PORTS", "DESIRED", "READY", "REASON", "AGE", "BLOCKED", "MESSAGE"},
			{"dittofs", "dittofs", "1", "2", "False", "Conflicting", "AGE", "adapter-nfs", "adapter-nfs is there already"},
		},
	} {
		got := [][]string{}
		for line := range strings.Lines(c.kubectl("", "get", "aset", "-o", format)) {
			cells := columns.Split(strings.TrimSpace(line), -1)
			for i, cell := range cells {
				if age, err := time.ParseDuration(cell); err == nil && age < time.Hour {
					cells[i] = "AGE"
				}
			}
			got = append(got, cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-o %s: %s", format, diff)
		}
	}
}
