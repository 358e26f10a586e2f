package kubectl_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// legacyOperator is the name of a Go program in managedFields that sets none.
const legacyOperator = "manager"

// operatorLeaves writes the example's StatefulSet as the former operator leaves it:
// by updates under two names, with adapter ports among the others, and with a
// custom resource as its owner.
func (u user) operatorLeaves(manifest, image string) {
	u.t.Helper()
	workload, err := testenv.Object(manifest)
	compat.Must(u.t, err)
	const static = "{name: api, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP}"
	const nfs = "{name: adapter-nfs, containerPort: 12049, protocol: TCP}"
	testenv.SetPorts(workload, compat.Name, "["+static+"]")
	testenv.EditContainer(workload, compat.Name, func(c map[string]any) { c["image"] = image })
	workload.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "dittofs.dittofs.com/v1alpha1", Kind: "DittoServer", Name: compat.Name, UID: "4711"}})
	_, err = u.Manager(legacyOperator).In(u.Namespace).Create(u.Context(), workload)
	compat.Must(u.t, err)
	u.operatorUpdates(legacyOperator, "["+nfs+", "+static+"]")
	u.operatorUpdates(testenv.DittoFSOperator, "["+nfs+", {name: adapter-smb, containerPort: 1445, protocol: TCP}, "+static+"]")
	compat.Must(u.t, kubectl("create", "deployment", "dittofs-operator-controller-manager", "--image=operator")(u.Site))
}

func (u user) operatorUpdates(manager, ports string) {
	u.t.Helper()
	_, err := u.Manager(manager).Update(u.Context(), compat.Kind, u.Namespace, compat.Name, func(live *unstructured.Unstructured) {
		testenv.SetPorts(live, compat.Name, ports)
	})
	compat.Must(u.t, err)
}

// copyExample copies an example to a temporary folder, with the workload in the site's
// namespace.
func (u user) copyExample(example string) (folder string) {
	u.t.Helper()
	folder = u.t.TempDir()
	files, err := filepath.Glob(filepath.Join(examples, example, "*"))
	compat.Must(u.t, err)
	here := strings.NewReplacer("namespace: storage", "namespace: "+u.Namespace, "-n storage", "-n "+u.Namespace, "-n dittofs-operator-system", "-n "+u.Namespace)
	for _, path := range files {
		text, err := os.ReadFile(path)
		compat.Must(u.t, err)
		compat.Must(u.t, os.WriteFile(filepath.Join(folder, filepath.Base(path)), []byte(here.Replace(string(text))), 0o700)) //nolint:gosec // G306: a script is run
	}
	return folder
}

// migrates runs examples/dittofs/migrate.sh twice. The second run changes nothing.
// The template changes only if Git differs.
func (u user) migrates() {
	for name, git := range map[string]struct {
		manifest func(string) string
		changes  int
		ports    []string // in any order
	}{
		"as the operator left it": {
			func(text string) string {
				return strings.Replace(text, "        - name: nfs\n          containerPort: 12049\n          protocol: TCP\n", "", 1)
			}, 0,
			[]string{"adapter-nfs:12049/TCP", "adapter-smb:1445/TCP", "api:8080/TCP", "metrics:9090/TCP"},
		},
		"with an image and a port of its own": {
			func(text string) string { return strings.Replace(text, "dittofs:v0.29.0", "dittofs:v0.30.0", 1) }, 1,
			[]string{"adapter-smb:1445/TCP", "api:8080/TCP", "metrics:9090/TCP", "nfs:12049/TCP"},
		},
	} {
		u.t.Run(name, func(t *testing.T) {
			u := user{Site: compat.NewSite(t, testenv.Shared(t)), t: t, binaries: u.binaries}
			folder := u.copyExample("dittofs")
			manifest := filepath.Join(folder, "statefulset.yaml")
			text, err := os.ReadFile(manifest)
			compat.Must(t, err)
			declared := git.manifest(string(text))
			compat.Must(t, os.WriteFile(manifest, []byte(declared), 0o600))
			u.operatorLeaves(string(text), "ghcr.io/marmos91/dittofs:v0.29.0")
			recorded := u.Record(t, compat.Kind, u.Namespace, compat.Name)

			u.run(u.Config(), filepath.Join(folder, "migrate.sh"))
			once := u.Live()
			u.run(u.Config(), filepath.Join(folder, "migrate.sh"))
			if is, was := withoutTimes(u.Live()), withoutTimes(once); !equality.Semantic.DeepEqual(is, was) {
				t.Errorf("the second run changed the workload: %v\nbecame %v", was, is)
			}
			if changes := testenv.TemplateChanges(recorded.Stored(t)); changes != git.changes {
				t.Errorf("%d changes of the template, want %d", changes, git.changes)
			}
			u.ExpectPorts(git.ports...)
			if len(once.GetOwnerReferences()) > 0 {
				t.Error("the DittoServer still owns the workload")
			}
			u.expectOwners(git.ports)

			// Git can drop a port of its own, and a port is removed with its
			// adapter.
			dropped := strings.Replace(declared, "        - name: metrics\n          containerPort: 9090\n          protocol: TCP\n", "", 1)
			compat.Must(t, os.WriteFile(manifest, []byte(dropped), 0o600))
			compat.Must(t, kubectl("apply", "--server-side", "-f", manifest)(u.Site))
			u.run(u.Config(), "portside", "sync", "-f", filepath.Join(folder, "adapterset.yaml"), "--adapters", filepath.Join(folder, "adapters-smb-disabled.json"))
			u.ExpectPorts(slices.DeleteFunc(git.ports, func(port string) bool {
				return port == "metrics:9090/TCP" || port == "adapter-smb:1445/TCP"
			})...)
		})
	}
}

// withoutTimes returns a workload without the times of its managers and what
// changes with them: after another manager's write, an apply of
// volumeClaimTemplates is not quite a no-op (see TestFact01).
func withoutTimes(w *unstructured.Unstructured) *unstructured.Unstructured {
	w = w.DeepCopy()
	w.SetResourceVersion("")
	entries := w.GetManagedFields()
	for i := range entries {
		entries[i].Time = nil
	}
	slices.SortFunc(entries, func(a, b metav1.ManagedFieldsEntry) int {
		return strings.Compare(a.Manager+string(a.Operation), b.Manager+string(b.Operation))
	})
	w.SetManagedFields(entries)
	return w
}

// expectOwners expects that adapter ports are ours alone and the others Git's
// alone.
func (u user) expectOwners(ports []string) {
	u.t.Helper()
	for _, port := range ports {
		name, key, _ := strings.Cut(port, ":")
		owner := testenv.Kubectl + "/Apply"
		if strings.HasPrefix(name, "adapter-") {
			owner = testenv.Portside + "/Apply"
		}
		owners, err := testenv.Owners(u.Live(), compat.Name, key)
		compat.Must(u.t, err)
		if !slices.Equal(owners, []string{owner}) {
			u.t.Errorf("%s is owned by %q, want %s", port, owners, owner)
		}
	}
}
