package cmd_test

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
)

// defaultRelease is the note about the manifests that install prints by default.
const defaultRelease = "note: the manifests are for Kubernetes 1.36 and later; for an older cluster give --kube-version\n"

// TestInstall prints manifests without a server.
func TestInstall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args           []string
		stdout, absent []string
		stderr         string // all of it but the default release, by the first words of each line
	}{
		{nil, []string{
			"kind: CustomResourceDefinition", "kind: Namespace\n", "name: portside-system", "kind: ClusterRole\n", "name: portside-guard\n", "name: portside-name\n",
			"name: portside-leftover\n", "kind: PodDisruptionBudget\n",
		}, []string{"--watch-namespace", "--field-manager", "name: portside-discovery\n  namespace"}, ""},
		{[]string{"-n", "edge", "--field-manager", "blue"}, []string{
			"name: edge\n", "image: registry.example/portside:v1\n", "name: blue-guard\n", "- --field-manager=blue\n",
		}, []string{"portside-system", "portside-guard"}, ""},
		{[]string{"--discovery-namespace", "storage", "--discovery-namespace=media,media"}, []string{
			"  name: portside-discovery\n  namespace: media\nroleRef", "  name: portside-discovery\n  namespace: storage\nroleRef",
			"- --exclude-namespace=kube-system\n", "request.namespace in [''kube-system'']",
		}, nil, ""},
		{[]string{"--exclude-namespace=kube-system", "--exclude-namespace", "infra"}, []string{
			"- --exclude-namespace=infra\n        - --exclude-namespace=kube-system\n", "request.namespace in [''infra'', ''kube-system'']",
		}, nil, ""},
		{[]string{"--exclude-namespace="}, []string{"request.namespace in []"}, []string{"kube-system"}, ""},
		{[]string{"--watch-namespace", "storage", "--discovery-namespace", "storage"}, []string{"  name: portside-discovery\n  namespace: storage\nrules"},
			[]string{"kind: ClusterRole\n"}, "note: metrics authentication needs TokenReview"},
		{[]string{"--watch-namespace", "storage"}, []string{"kind: Role\n", "namespace: storage\n", "- --watch-namespace=storage\n", "name: portside-guard\n"},
			[]string{"kind: ClusterRole\n", "kind: ClusterRoleBinding\n", "tokenreviews"},
			"note: metrics authentication needs TokenReview"},
		{[]string{"--services"}, []string{"- --services\n", "name: portside-guard-services\n", "name: portside-name-services\n"}, nil, ""},
		{[]string{"--services=false"}, nil, []string{"--services", "-services\n", "  - services\n"}, ""},
		{[]string{"--kube-version", "v1.35.4"}, []string{"name: portside-guard\n"}, []string{"MutatingAdmissionPolicy"}, "note: the manifests are for Kubernetes 1.30 and later\n|Warning: no leftover policy"},
		{[]string{"--kube-version", "1.35", "--beta-policies"}, []string{"apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingAdmissionPolicy\n"}, nil,
			"note: the manifests are for Kubernetes 1.34 and 1.35, where kube-apiserver runs with --feature-gates=MutatingAdmissionPolicy=true and"},
		{[]string{"--kube-version", "1.36", "--beta-policies"}, []string{"apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingAdmissionPolicy\n"}, []string{"v1beta1"}, ""},
		{[]string{"--kube-version", "1.29"}, []string{"kind: ClusterRole\n"}, []string{"AdmissionPolicy", "fieldmanagers"},
			"note: the manifests are for Kubernetes 1.29\n|Warning: no guard policy|Warning: no name policy|Warning: no leftover policy"},
		{[]string{"--without-policies", "--watch-namespace=storage"}, []string{"kind: Role\n"}, []string{"AdmissionPolicy", "fieldmanagers"},
			"note: the manifests are for every supported release of Kubernetes\n|Warning: no guard policy|Warning: no name policy|Warning: no leftover policy|note: metrics authentication needs TokenReview"},
	} {
		a := runProgram(t, "", append([]string{"install", "--image", "registry.example/portside:v1"}, test.args...)...)
		name := strings.Join(test.args, " ")
		if a.code != 0 {
			t.Errorf("%s: exit code %d: %s", name, a.code, a.stderr)
		}
		expectIn(t, name, a.stdout, test.stdout...)
		for _, absent := range test.absent {
			if strings.Contains(a.stdout, absent) {
				t.Errorf("%s: it has %q", name, absent)
			}
		}
		var want []string
		if test.stderr != "" {
			want = strings.Split(test.stderr, "|")
		}
		if !strings.Contains(test.stderr, "the manifests are for") {
			want = append(want, defaultRelease)
		}
		lines := strings.Split(strings.TrimSuffix(a.stderr, "\n"), "\n")
		if a.stderr == "" {
			lines = nil
		}
		if len(lines) != len(want) {
			t.Errorf("%s: %d lines on stderr, want %d:\n%s", name, len(lines), len(want), a.stderr)
		}
		expectIn(t, name, a.stderr, want...)
	}
}

func TestInstall_Errors(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"--without-policies needs --watch-namespace":     {"--without-policies"},
		"--beta-policies needs --kube-version":           {"--beta-policies"},
		`"new" is not a version of Kubernetes`:           {"--kube-version", "new"},
		`field manager "kubectl-x" begins with`:          {"--field-manager", "kubectl-x"},
		`the field manager "A" cannot name objects`:      {"--field-manager", "A"},
		`the namespace to watch "a.b"`:                   {"--watch-namespace", "a.b"},
		`the discovery namespace "media" is not`:         {"--watch-namespace=storage", "--discovery-namespace=media"},
		`the discovery namespace "a.b"`:                  {"--discovery-namespace=a.b"},
		`the namespace to watch "kube-system" is`:        {"--watch-namespace=kube-system"},
		"must be one of yaml":                            {"-o", "json"},
		"--image is empty":                               {"--image", ""},
		"unexpected arguments: now":                      {"now"},
		`the namespace "not a name" cannot name objects`: {"-n", "not a name"},
	} {
		a := runProgram(t, "", append([]string{"install"}, args...)...)
		if a.code != 1 || a.stdout != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, a.code, a.stdout)
		}
		expectIn(t, "stderr", a.stderr, "error: ", want, "portside install --help")
	}
}

// TestInstall_DefaultImage: the default image has the version as its tag, if that
// can be one, and a note says that it is not published.
func TestInstall_DefaultImage(t *testing.T) {
	t.Parallel()
	for version, image := range map[string]string{"v1.2.3": "portside:v1.2.3", "": "portside:devel", "(devel)": "portside:devel", "v1.2.3+dirty": "portside:devel"} {
		a := runVersion(t, version, "install")
		expectIn(t, "with version "+version, a.stdout, "image: "+image+"\n")
		expect(t, "stderr", a.stderr, "note: image "+image+" is not published; build and push one (make image), and name it with --image\n"+defaultRelease)
		expect(t, "stderr with --image", runVersion(t, version, "install", "--image", image).stderr, defaultRelease)
	}
}

// runVersion runs the program as a version of it.
func runVersion(t *testing.T, version string, args ...string) answer {
	t.Helper()
	var out, errOut bytes.Buffer
	root := cmd.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, version)
	root.SetArgs(args)
	code := cli.Run(t.Context(), root)
	return answer{code: code, stdout: out.String(), stderr: errOut.String()}
}
