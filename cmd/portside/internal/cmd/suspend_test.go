package cmd_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// storedSets is a namespace of a test with AdapterSets that Git stores.
type storedSets struct {
	*cluster
	git *testenv.Manager
}

func newStoredSets(t *testing.T) *storedSets {
	t.Helper()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	c := newCluster(t, cp)
	return &storedSets{c, cp.Manager("argocd-controller").In(c.namespace)}
}

// setOf returns an AdapterSet with further parts of its spec.
func setOf(name string, options ...fixture.Option) *unstructured.Unstructured {
	return fixture.AdapterSet(name, append(options, fixture.Target("StatefulSet", name), fixture.Adapters("nfs:12049"))...)
}

func (s *storedSets) get(name string) *unstructured.Unstructured {
	s.t.Helper()
	return s.git.MustGet(s.t, "AdapterSet", s.namespace, name)
}

// expectSuspend fails the test unless spec.suspend is this, <nil> where it is absent, and
// portside-cli owns it or owns nothing.
func (s *storedSets) expectSuspend(name, value string, owned bool) {
	s.t.Helper()
	live := s.get(name)
	spec, _, _ := unstructured.NestedMap(live.Object, "spec")
	if got := fmt.Sprint(spec["suspend"]); got != value {
		s.t.Errorf("spec.suspend of %s is %s, want %s", name, got, value)
	}
	owns := ""
	for _, e := range live.GetManagedFields() {
		if e.Manager == "portside-cli" && e.Operation == metav1.ManagedFieldsOperationApply {
			owns = e.FieldsV1.GetRawString()
		}
	}
	want := ""
	if owned {
		want = `{"f:spec":{"f:suspend":{}}}`
	}
	if owns != want {
		s.t.Errorf("portside-cli owns %s, want %s", owns, want)
	}
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	s := newStoredSets(t)
	s.git.MustApply(t, setOf("files"))
	a := s.must(0, s.run("suspend", "adapterset/files", "--dry-run=server"))
	expect(t, "dry run", a.stdout, "adapterset.portside.dev/files suspended (server dry run)\n")
	s.expectSuspend("files", "<nil>", false)
	expect(t, "stdout", s.must(0, s.run("suspend", "adapterset/files")).stdout, "adapterset.portside.dev/files suspended\n")
	s.expectSuspend("files", "true", true)
	expect(t, "again", s.must(0, s.run("suspend", "aset", "files")).stdout, "adapterset.portside.dev/files suspended (no change)\n")

	s.git.MustApply(t, setOf("files", fixture.Adapters("nfs:12050"))) // without force, as Git does not declare it
	s.expectSuspend("files", "true", true)
	expect(t, "name", s.must(0, s.run("resume", "adaptersets.portside.dev/files", "-o", "name")).stdout, "adapterset.portside.dev/files\n")
	s.expectSuspend("files", "<nil>", false)
	s.git.MustApply(t, setOf("files", fixture.Spec("suspend: true"))) // nothing is in its way
	s.expectSuspend("files", "true", false)
}

// TestSuspend_Declared refuses to change what another manager declares, and replaces what
// a person wrote.
func TestSuspend_Declared(t *testing.T) {
	t.Parallel()
	s := newStoredSets(t)
	t.Run("applied", func(t *testing.T) {
		for verb, value := range map[string]string{"suspend": "false", "resume": "true"} {
			name := verb + "-applied"
			s.git.MustApply(t, setOf(name, fixture.Spec("suspend: "+value)))
			before := s.get(name).GetResourceVersion()
			a := s.must(2, s.run(verb, "adapterset/"+name))
			expect(t, "stdout", a.stdout, "")
			expectIn(t, "stderr", a.stderr, "adapterset.portside.dev/"+name+": spec.suspend is declared by argocd-controller", "change it there")
			if after := s.get(name).GetResourceVersion(); after != before {
				t.Errorf("%s wrote to the AdapterSet", verb)
			}
		}
	})
	t.Run("client-side_apply", func(t *testing.T) {
		object := setOf("client-side", fixture.Spec("suspend: true"))
		text, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		s.MustKubectl(t, s.namespace, string(text), "apply", "-f", "-")
		expectIn(t, "stderr", s.must(2, s.run("resume", "adapterset/client-side")).stderr, "declared by kubectl-client-side-apply")
	})
	t.Run("kubectl_patch", func(t *testing.T) {
		s.git.MustApply(t, setOf("patched"))
		s.Manager("kubectl-patch").MustPatch(t, "AdapterSet", s.namespace, "patched", types.MergePatchType, []byte(`{"spec":{"suspend":true}}`))
		s.must(0, s.run("resume", "adapterset/patched"))
		s.expectSuspend("patched", "<nil>", false)
	})
	t.Run("forced_over", func(t *testing.T) {
		s.git.MustApply(t, setOf("forced"))
		s.must(0, s.run("suspend", "adapterset/forced"))
		if _, err := s.git.ForceApply(t.Context(), setOf("forced", fixture.Spec("suspend: false"))); err != nil {
			t.Fatal(err)
		}
		s.expectSuspend("forced", "false", false)
	})
}

func TestSuspend_Chosen(t *testing.T) {
	t.Parallel()
	s := newStoredSets(t)
	s.git.MustApply(t, setOf("a", fixture.Metadata("labels: {team: files}")), setOf("b"))
	expect(t, "-l", s.must(0, s.run("suspend", "adaptersets", "-l", "team=files")).stdout, "adapterset.portside.dev/a suspended\n")
	expect(t, "--all", s.must(0, s.run("resume", "--all")).stdout,
		"adapterset.portside.dev/a resumed\nadapterset.portside.dev/b resumed (no change)\n")
	a := s.must(2, s.run("suspend", "adapterset", "gone", "b"))
	expect(t, "stdout", a.stdout, "adapterset.portside.dev/b suspended\n")
	expectIn(t, "stderr", a.stderr, "error: adapterset.portside.dev/gone not found; check the name")
	expectIn(t, "stderr", s.must(0, s.run("resume", "--selector", "team=none")).stderr, "note: no AdapterSets found")
	for args, want := range map[string]string{
		"":                               "no AdapterSet is chosen",
		"adapterset":                     "no AdapterSet is chosen",
		"statefulset/a":                  `cannot read "statefulset/a"`,
		"statefulset a":                  `resource type "statefulset" is not known`,
		"adapterset/":                    `cannot read "adapterset/"`,
		"adapterset a/b":                 `cannot read "a/b" after "adapterset"`,
		"adapterset/a --all":             "names cannot be given with --all or --selector",
		"--all -l x=y":                   "--all and --selector exclude each other",
		"adapterset/a -A":                "cannot be named across all namespaces",
		"-l =":                           "--selector: ",
		"adapterset/a --dry-run=client":  "must be one of none, server",
		"adapterset.v1.portside.dev/a":   "cannot read",
		"adapterset/a adapterset.apps/b": "cannot read",
	} {
		a := s.must(1, s.run(append([]string{"suspend"}, strings.Fields(args)...)...))
		expectIn(t, args, a.stderr, want)
	}
}

// TestSuspend_Permissions needs the permission of the user, and names what is missing.
func TestSuspend_Permissions(t *testing.T) {
	t.Parallel()
	s := newStoredSets(t)
	s.git.MustApply(t, setOf("files"))
	user, err := s.User("nobody")
	if err != nil {
		t.Fatal(err)
	}
	config, err := testenv.KubeconfigOf(user, s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"suspend", "resume", "reconcile"} {
		a := runProgram(t, "", verb, "adapterset/files", "--kubeconfig", file(t, "config", string(config)))
		if a.code != 2 {
			t.Errorf("%s: exit code %d", verb, a.code)
		}
		expectIn(t, verb, a.stderr, `User "nobody" cannot get resource "adaptersets"`)
	}
}
