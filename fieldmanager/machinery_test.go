package fieldmanager_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/fieldmanager"
)

// machinery is the API server's own code for apply and for managedFields, with
// the types of apps/v1, on one Deployment. There is no server.
type machinery struct {
	tb      testing.TB
	manager *managedfields.FieldManager
	live    *unstructured.Unstructured
}

func newMachinery(tb testing.TB) *machinery {
	m := &machinery{tb: tb, manager: managedfieldstest.NewFakeFieldManager(
		applyconfigurations.NewTypeConverter(scheme.Scheme), appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	m.live = m.object("")
	return m
}

func (m *machinery) object(document string) *unstructured.Unstructured {
	m.tb.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
		m.tb.Fatalf("a document of this test: %v", err)
	}
	if o.Object == nil {
		o.Object = map[string]any{}
	}
	o.SetAPIVersion("apps/v1")
	o.SetKind("Deployment")
	o.SetName("web")
	return o
}

func (m *machinery) applyForced(name, document string) {
	m.tb.Helper()
	if err := m.apply(name, document, true); err != nil {
		m.tb.Fatalf("%s applies: %v", name, err)
	}
}

func (m *machinery) apply(name, document string, force bool) error {
	m.tb.Helper()
	after, err := m.manager.Apply(m.live, m.object(document), name, force)
	if err == nil {
		m.live = after.(*unstructured.Unstructured)
	}
	return err
}

func (m *machinery) update(name, document string) {
	m.tb.Helper()
	next := m.object(document)
	next.SetManagedFields(m.live.GetManagedFields())
	after, err := m.manager.Update(m.live, next, name)
	if err != nil {
		m.tb.Fatalf("%s updates: %v", name, err)
	}
	m.live = after.(*unstructured.Unstructured)
}

func (m *machinery) entries() fieldmanager.Entries {
	m.tb.Helper()
	return decode(m.tb, m.live.GetManagedFields()...)
}

const webWith = `
spec:
  template:
    spec:
      containers:
      - name: web
`

const (
	staticNFS  = "        ports: [{name: nfs, containerPort: 2049, protocol: TCP}]\n"
	adapterNFS = "        ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]\n"
)

// Claim returns what an apply owns, for any keyed list.
func TestMachineryRecordsTheClaim(t *testing.T) {
	t.Parallel()
	mode := fieldmanager.KeyOf("name", "MODE")
	for name, test := range map[string]struct {
		applied string
		want    func() []string
	}{
		"a bare container": {"", func() []string { return ports.Claim(nil).Paths() }},
		"no ports":         {"        ports: []\n", func() []string { return ports.Claim(nil).Paths() }},
		"a port":           {adapterNFS, func() []string { return ports.Claim(portLeaves, port(12049)).Paths() }},
		"two ports": {
			"        ports: [{containerPort: 2, protocol: TCP}, {containerPort: 1, protocol: TCP}]\n",
			func() []string { return ports.Claim([]string{"containerPort", "protocol"}, port(2), port(1)).Paths() },
		},
		"an env var": {
			"        env: [{name: MODE, value: fast}]\n",
			func() []string { return envVars.Claim([]string{"name", "value"}, mode).Paths() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachinery(t)
			m.applyForced("argocd-controller", webWith+"        image: nginx\n")
			m.applyForced("portside", webWith+test.applied)
			e, found := m.entries().Of(portside)
			if !found {
				t.Fatalf("portside has no entry: %v", m.live.GetManagedFields())
			}
			same(t, "portside's fields", e.Fields.Paths(), test.want())
		})
	}
}

func TestMachineryRecordsTheOwners(t *testing.T) {
	t.Parallel()
	m := newMachinery(t)
	m.applyForced("argocd-controller", webWith+`
        ports: [{name: nfs, containerPort: 2049, protocol: TCP}]
        env: [{name: MODE, value: fast}, {name: TOKEN, valueFrom: {secretKeyRef: {name: web, key: token}}}]
`)
	m.applyForced("portside", webWith+"        ports: [{containerPort: 2049, protocol: TCP}]\n")
	m.update("kubectl-edit", webWith+`
        ports: [{name: nfs, containerPort: 2049, hostPort: 2049, protocol: TCP}, {name: smb, containerPort: 445, protocol: TCP}]
        env: [{name: MODE, value: slow}, {name: TOKEN, valueFrom: {secretKeyRef: {name: web, key: token}}}]
`)
	edit := fieldmanager.Updater("kubectl-edit")
	type managers = []fieldmanager.Manager
	type leaves = map[string][]fieldmanager.Manager
	owners := m.entries().In(ports)
	same(t, "2049, which two apply and one gave a hostPort", of(t, owners, port(2049)), fieldmanager.ItemOwners{
		Item:   managers{argocd, portside},
		Leaves: leaves{"containerPort": {argocd, portside}, "protocol": {argocd, portside}, "name": {argocd}, "hostPort": {edit}},
	})
	same(t, "445, which an update added", of(t, owners, port(445)), fieldmanager.ItemOwners{
		Item:   managers{edit},
		Leaves: leaves{"containerPort": {edit}, "protocol": {edit}, "name": {edit}},
	})
	env := m.entries().In(envVars)
	same(t, "MODE, whose value an update changed", of(t, env, fieldmanager.KeyOf("name", "MODE")), fieldmanager.ItemOwners{
		Item: managers{argocd}, Leaves: leaves{"name": {argocd}, "value": {edit}},
	})
	same(t, "TOKEN, whose valueFrom has parts", of(t, env, fieldmanager.KeyOf("name", "TOKEN")), fieldmanager.ItemOwners{
		Item: managers{argocd}, Leaves: leaves{"name": {argocd}, "valueFrom": {argocd}},
	})
}

// After a hand-over the taker applies what it took without a conflict and
// without a change, and what it no longer applies is removed.
func TestMachineryGoesOnAfterAHandOver(t *testing.T) {
	t.Parallel()
	m := newMachinery(t)
	m.applyForced("argocd-controller", webWith+staticNFS)
	m.update("dittofs-operator", webWith+"        ports: [{name: nfs, containerPort: 2049, protocol: TCP}, {name: adapter-nfs, containerPort: 12049, protocol: TCP}]\n")
	before := m.live.DeepCopy()

	managed, moved, err := fieldmanager.Transfer{
		List: ports, Leaves: portLeaves, From: []fieldmanager.Manager{operator},
		To: &fieldmanager.Recipient{Manager: portside, APIVersion: "apps/v1"},
	}.Apply(m.live.GetManagedFields(), port(2049), port(12049))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "moved", texts(moved), []string{`[containerPort=12049,protocol="TCP"]`})
	m.live.SetManagedFields(managed)

	if err := m.apply("portside", webWith+adapterNFS, false); err != nil {
		t.Fatalf("portside applies what it took: %v", err)
	}
	same(t, "the template", m.live.Object["spec"], before.Object["spec"])
	same(t, "the entries", withoutTimes(m.live.GetManagedFields()), withoutTimes(managed))

	if err := m.apply("portside", webWith, false); err != nil {
		t.Fatalf("portside applies no port: %v", err)
	}
	same(t, "the template without it", m.live.Object["spec"], m.object(webWith + staticNFS).Object["spec"])
}

func withoutTimes(managed []metav1.ManagedFieldsEntry) []string {
	var all []string
	for _, e := range managed {
		all = append(all, e.Manager+" "+string(e.Operation)+" "+e.APIVersion+" "+e.FieldsV1.GetRawString())
	}
	return all
}
