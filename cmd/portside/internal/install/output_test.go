package install_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// variants are options, each with the kinds of its objects in file order, where
// these differ.
var variants = map[string]struct {
	options  install.Options
	policies int
	wide     []string // kinds that are cluster-wide, but for policies
	losses   int
}{
	"default":          {install.Options{}, 6, allWide, 0},
	"image":            {install.Options{Image: "registry.example/portside:v1"}, 6, allWide, 0},
	"watch namespace":  {install.Options{WatchNamespace: "x"}, 6, []string{"CustomResourceDefinition", "Namespace"}, 0},
	"discovery":        {install.Options{DiscoveryNamespaces: []string{"x"}}, 6, allWide, 0},
	"discovery there":  {install.Options{WatchNamespace: "x", DiscoveryNamespaces: []string{"x"}}, 6, []string{"CustomResourceDefinition", "Namespace"}, 0},
	"excluded":         {install.Options{ExcludeNamespaces: []string{"kube-system", "infra"}}, 6, allWide, 0},
	"none excluded":    {install.Options{ExcludeNamespaces: []string{}}, 6, allWide, 0},
	"services":         {install.Options{Services: true}, 8, allWide, 0},
	"services there":   {install.Options{Services: true, WatchNamespace: "x"}, 8, []string{"CustomResourceDefinition", "Namespace"}, 0},
	"services on 1.35": {install.Options{Services: true, KubeVersion: version.MajorMinor(1, 35)}, 7, allWide, 1},
	"services on 1.29": {install.Options{Services: true, KubeVersion: version.MajorMinor(1, 29)}, 0, allWide, 3},
	"1.36":             {install.Options{KubeVersion: version.MajorMinor(1, 36)}, 6, allWide, 0},
	"1.35":             {install.Options{KubeVersion: version.MajorMinor(1, 35)}, 5, allWide, 1},
	"1.35 beta":        {install.Options{KubeVersion: version.MajorMinor(1, 35), BetaPolicies: true}, 6, allWide, 0},
	"1.33 beta":        {install.Options{KubeVersion: version.MajorMinor(1, 33), BetaPolicies: true}, 5, allWide, 1},
	"1.30":             {install.Options{KubeVersion: version.MajorMinor(1, 30)}, 5, allWide, 1},
	"1.29":             {install.Options{KubeVersion: version.MajorMinor(1, 29)}, 0, allWide, 3},
	"without policies": {install.Options{WatchNamespace: "x", WithoutPolicies: true}, 0, []string{"CustomResourceDefinition", "Namespace"}, 3},
}

var allWide = []string{"ClusterRole", "ClusterRole", "ClusterRole", "ClusterRole", "ClusterRole", "ClusterRole", "ClusterRoleBinding", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, v := range variants {
		objects, err := install.Manifests(v.options)
		if err != nil {
			t.Fatal(err)
		}
		policies := 0
		var wide []string
		for _, o := range objects {
			switch kind := o.GetKind(); {
			case strings.HasSuffix(kind, "AdmissionPolicy"):
				policies++
			case strings.HasSuffix(kind, "AdmissionPolicyBinding"):
			case o.GetNamespace() == "":
				wide = append(wide, kind)
			}
		}
		slices.Sort(wide)
		if policies != v.policies || !slices.Equal(wide, v.wide) {
			t.Errorf("%s: %d policies, want %d; cluster-wide %q, want %q", name, policies, v.policies, wide, v.wide)
		}
		if losses := v.options.Losses(); len(losses) != v.losses {
			t.Errorf("%s: %d losses: %q", name, len(losses), losses)
		}
	}
}

// TestNamespaceOfWorkloadsIsNotPrinted: kubectl delete -f of the manifests would
// delete the namespace of the workloads, if portside runs in it and the manifests
// declared it.
func TestNamespaceOfWorkloadsIsNotPrinted(t *testing.T) {
	t.Parallel()
	objects, err := install.Manifests(install.Options{Namespace: "storage", WatchNamespace: "storage"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.GetKind() == "Namespace" {
			t.Error("the manifests declare the namespace of the workloads")
		}
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]install.Options{
		"one namespace to watch": {WithoutPolicies: true},
		"cannot name objects":    {FieldManager: "Not/A.Name"},
		"begins with":            {FieldManager: "kubectl-portside"},
		"the namespace \"a.b\"":  {Namespace: "a.b"},
		"to watch \"A\"":         {WatchNamespace: "A"},
		"white space":            {Image: "a b"},
		"is not the namespace":   {WatchNamespace: "a", DiscoveryNamespaces: []string{"a", "b"}},
		"is excluded":            {WatchNamespace: "kube-system"},
		"discovery namespace \"": {DiscoveryNamespaces: []string{"A"}},
		"exclude namespace \"\"": {ExcludeNamespaces: []string{""}},
	} {
		if _, err := install.Manifests(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for text, want := range map[string]string{"1.36": "1.36", "v1.36.2": "1.36.2", "1.30+": "1.30", "v1.33.1-gke.5": "1.33.1"} {
		if v, err := install.ParseKubeVersion(text); err != nil || v.String() != want {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
	for _, text := range []string{"", "new", "1"} {
		if v, err := install.ParseKubeVersion(text); err == nil {
			t.Errorf("%q: %v", text, v)
		}
	}
}

// TestOutput_deterministic expects the same bytes each time, without a field that a
// strict decoder does not know.
func TestOutput_deterministic(t *testing.T) {
	t.Parallel()
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for name, v := range variants {
		var first []byte
		for range 10 {
			objects, err := install.Manifests(v.options)
			if err != nil {
				t.Fatal(err)
			}
			printed := []byte(text(t, objects))
			if first == nil {
				first = printed
			}
			if !bytes.Equal(printed, first) {
				t.Fatalf("%s: the second output differs", name)
			}
		}
		for document := range strings.SplitSeq(string(first), "\n---\n") {
			if strings.Contains(document, "kind: CustomResourceDefinition\n") {
				continue
			}
			if _, _, err := strict.Decode([]byte(document), nil, nil); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, document)
			}
		}
	}
}

// TestOutput_noDefaultsLeft expects another namespace and field manager everywhere,
// also in policies.
func TestOutput_noDefaultsLeft(t *testing.T) {
	t.Parallel()
	objects, err := install.Manifests(install.Options{Namespace: "elsewhere", FieldManager: "blue", Services: true, DiscoveryNamespaces: []string{"x"}, ExcludeNamespaces: []string{"y", "z"}})
	if err != nil {
		t.Fatal(err)
	}
	printed := text(t, objects)
	for _, left := range []string{"portside-system", "'portside'", ":portside'", "- portside\n", "name: portside-guard", "serviceAccountName: portside", "instance: portside", "kube-system"} {
		if strings.Contains(printed, left) {
			t.Errorf("%q is left", left)
		}
	}
	for _, want := range []string{"'system:serviceaccount:elsewhere:blue'", ".name('blue').check('use')", "- --field-manager=blue", "name: blue-guard",
		"== 'elsewhere'", "request.namespace in ['y', 'z']", "- --exclude-namespace=y\n        - --exclude-namespace=z\n"} {
		if !strings.Contains(strings.ReplaceAll(printed, "''", "'"), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestOutput_namesLikeYAML has names that YAML takes for booleans and numbers.
func TestOutput_namesLikeYAML(t *testing.T) {
	t.Parallel()
	objects, err := install.Manifests(install.Options{
		Namespace: "on", FieldManager: "1", Image: "1:2", DiscoveryNamespaces: []string{"y"}, ExcludeNamespaces: []string{"null", "0x1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range objects {
		all = append(all, id(object(t, text(t, []*unstructured.Unstructured{o}))))
	}
	for _, want := range []string{"Namespace /on", "ServiceAccount on/1", "Role on/1-leader-election", "RoleBinding y/1-discovery", "Deployment on/1"} {
		if !slices.Contains(all, want) {
			t.Errorf("there is no %s in %q", want, all)
		}
	}
}

// TestKustomizeEqualsInstall expects that the folder is a kustomize base that
// builds what install prints by default.
func TestKustomizeEqualsInstall(t *testing.T) {
	t.Parallel()
	built, err := testenv.Shared(t).Kubectl(t.Context(), "", "", "kustomize", "../../../../examples/install")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{}
	for document := range strings.SplitSeq(built, "\n---\n") {
		o := object(t, document)
		want[id(o)] = o.Object
	}
	objects, err := install.Manifests(install.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, o := range objects {
		o := object(t, text(t, []*unstructured.Unstructured{o}))
		got[id(o)] = o.Object
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-base +install):\n%s", diff)
	}
}

func id(o *unstructured.Unstructured) string {
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// TestOutput_appliesTwice applies the folder, and then what every option prints by
// both ways of kubectl. The second apply changes nothing. A server that does not serve
// MutatingAdmissionPolicy in the version that is printed refuses it. The folder is first and
// alone: all installations share some objects, and client-side apply fails if
// another test creates them between its read and its write.
func TestOutput_appliesTwice(t *testing.T) {
	t.Run("the folder by kustomize", func(t *testing.T) {
		i := prepared(t, testenv.Shared(t), install.Options{FieldManager: "portside"})
		i.appliesTwice("apply", "--validate=strict", "-k", "../../../../examples/install")
	})
	for name, v := range variants {
		for _, way := range []string{"server-side", "kustomize"} {
			t.Run(name+" by "+way, func(t *testing.T) {
				t.Parallel()
				i := prepared(t, testenv.Shared(t), v.options)
				all := file(t, "all.yaml", text(t, i.manifests()))
				if way == "server-side" {
					i.appliesTwice("apply", "--validate=strict", "--server-side", "-f", all)
					return
				}
				if err := os.WriteFile(filepath.Join(filepath.Dir(all), "kustomization.yaml"), []byte("resources: [all.yaml]\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				i.appliesTwice("apply", "--validate=strict", "-k", filepath.Dir(all))
			})
		}
	}
}

// appliesTwice runs kubectl twice with args, of which the last two name the
// objects.
func (i *installation) appliesTwice(args ...string) {
	i.t.Helper()
	what := args[len(args)-2:]
	if unserved := i.unserved(what...); unserved != "" {
		_, err := i.Kubectl(i.t.Context(), "", "", args...)
		want := fmt.Sprintf("no matches for kind %q in version %q", "MutatingAdmissionPolicy", unserved)
		if err == nil || !strings.Contains(err.Error(), want) {
			i.t.Errorf("%v\nwant %s", err, want)
		}
		return
	}
	i.kubectl("", args...)
	before := i.versions(what...)
	i.kubectl("", args...)
	if diff := cmp.Diff(before, i.versions(what...)); diff != "" {
		i.t.Errorf("the second apply changed objects:\n%s", diff)
	}
}

// unserved returns the API version of the MutatingAdmissionPolicy among objects, if the
// server does not serve it.
func (i *installation) unserved(of ...string) string {
	i.t.Helper()
	path := of[1]
	if of[0] == "-k" {
		path = filepath.Join(path, "portside.yaml")
		if _, err := os.Stat(path); err != nil {
			path = filepath.Join(of[1], "all.yaml")
		}
	}
	printed, err := os.ReadFile(path)
	if err != nil {
		i.t.Fatal(err)
	}
	before, _, found := strings.Cut(string(printed), "\nkind: MutatingAdmissionPolicy\n")
	version := before[strings.LastIndex(before, " ")+1:]
	if !found || version == i.MutatingPolicies() {
		return ""
	}
	return version
}

// versions returns the resourceVersions of an installation's own objects, since
// another test may be applying the shared ones.
func (i *installation) versions(of ...string) string {
	i.t.Helper()
	all := i.kubectl("", append([]string{"get", "-o", `jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`}, of...)...)
	var own []string
	for line := range strings.Lines(all) {
		if strings.Contains(line, " "+i.manager) && !strings.Contains(line, " portside-adaptersets-") && !strings.Contains(line, " portside-metrics-reader ") {
			own = append(own, line)
		}
	}
	if len(own) < 8 {
		i.t.Fatalf("too few objects:\n%s", all)
	}
	return strings.Join(own, "")
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPodIsRestricted creates the Deployment's pod in a namespace with the
// restricted Pod Security Standard.
func TestPodIsRestricted(t *testing.T) {
	t.Parallel()
	i := prepared(t, testenv.Shared(t), install.Options{})
	objects := i.manifests()
	i.apply(objects)
	var d appsv1.Deployment
	at := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Deployment" })
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[at].Object, &d); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x", Labels: d.Spec.Template.Labels}, Spec: d.Spec.Template.Spec}
	create := func(ctx context.Context) error {
		_, err := i.admin.CoreV1().Pods(i.system).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	if err := create(t.Context()); err != nil {
		t.Error(err)
	}
	pod.Spec.SecurityContext.SeccompProfile = nil
	testenv.Eventually(t, "the standard to be enforced", func(ctx context.Context) error {
		if err := create(ctx); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
			return fmt.Errorf("a pod without a seccomp profile: %w", err)
		}
		return nil
	})
}
