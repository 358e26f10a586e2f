package cmd_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

func TestConnection_Unusable(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	before := c.resourceVersion()
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>log in</html>")
	}
	say := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) }
	}
	for name, test := range map[string]struct {
		kubeconfig string
		args       []string
		stderr     string
	}{
		"another server":                {kubeconfig: fakeServer(t, say(404, "404 page not found")), stderr: "it answers 404"},
		"a proxy without its server":    {kubeconfig: fakeServer(t, say(503, "upstream gone")), stderr: "Error from server (ServiceUnavailable)"},
		"no server":                     {kubeconfig: goneServer(t), stderr: "was refused"},
		"a server that does not answer": {kubeconfig: silentServer(t), args: []string{"--request-timeout=300ms"}, stderr: "did not answer in time (--request-timeout)"},
		"an expired server certificate": {kubeconfig: expiredServer(t), stderr: "certificate has expired"},
		"an expired client certificate": {kubeconfig: expiredClient(t, c), stderr: "the server does not know these credentials"},
		"an unknown token":              {kubeconfig: withToken(t, c), stderr: "the server does not know these credentials"},
		"a login page":                  {kubeconfig: fakeServer(t, html), stderr: "is not a Kubernetes API server"},
		"a missing kubeconfig":          {kubeconfig: filepath.Join(t.TempDir(), "gone"), stderr: "gone: no such file"},
		"an invalid kubeconfig":         {kubeconfig: file(t, "kubeconfig", "<html>"), stderr: "the connection's configuration"},
		"an unknown context":            {kubeconfig: c.kubeconfig, args: []string{"--context=gone"}, stderr: `context "gone" does not exist`},
		"an invalid timeout":            {kubeconfig: c.kubeconfig, args: []string{"--request-timeout=soon"}, stderr: "Invalid timeout value"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"--kubeconfig", test.kubeconfig, "-n", c.namespace}, test.args...)
			set := adapterSet("[{type: smb, port: 1445}]")
			for command, run := range map[string]struct {
				code int
				args []string
			}{
				"sync":    {1, []string{"sync", "-f", "-"}},
				"diff":    {3, []string{"diff", "-f", "-"}},
				"owners":  {1, []string{"owners", "sts/dittofs"}},
				"history": {1, []string{"history", "sts/dittofs"}},
				"adopt":   {1, []string{"adopt", "sts/dittofs", "--from", "helm"}},
				"release": {1, []string{"release", "sts/dittofs"}},
			} {
				a := runProgram(t, set, append(run.args, args...)...)
				if a.code != run.code {
					t.Errorf("%s: exit code %d, not %d", command, a.code, run.code)
				}
				expectIn(t, command+": stderr", a.stderr, "error: ", test.stderr)
				expectReadable(t, a.stderr)
			}
		})
	}
	expect(t, "resourceVersion", c.resourceVersion(), before)
}

func TestConnection_KubeconfigVariable(t *testing.T) {
	dir := t.TempDir()
	there, gone := file(t, "kubeconfig", kubeconfigFor("http://127.0.0.1:1", nil)), filepath.Join(dir, "gone")
	for _, test := range []struct{ variable, args, stderr string }{
		{gone, "", "KUBECONFIG=" + gone + ": no such file"},
		{gone + string(filepath.ListSeparator) + gone, "--context=x", ": no such file"},
		{gone + string(filepath.ListSeparator) + there, "", "was refused"},
		{gone, "--kubeconfig=" + there, "was refused"},
		{there, "--context=x", `context "x" does not exist`},
		{there, "--context=x --namespace=y", `context "x" does not exist`},
	} {
		t.Setenv("KUBECONFIG", test.variable)
		a := runProgram(t, "", append([]string{"owners", "sts/x"}, strings.Fields(test.args)...)...)
		if a.code != 1 {
			t.Errorf("%+v: exit code %d", test, a.code)
		}
		expectIn(t, "stderr", a.stderr, test.stderr)
	}
	set := file(t, "set.yaml", discoverySet)
	for args, want := range map[string]string{
		"-f nosuch.yaml":                        "error: the path \"nosuch.yaml\" does not exist\n",
		"-f nosuch.yaml -f gone":                "error: the path \"nosuch.yaml\" does not exist\n  the path \"gone\" does not exist\n",
		"-f " + set + " --adapters nosuch.json": "error: --adapters: the path \"nosuch.json\" does not exist\n",
	} {
		expect(t, args, runProgram(t, "", append([]string{"sync"}, strings.Fields(args)...)...).stderr, want)
	}
}

func TestConnection_Forbidden(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	before := c.resourceVersion()
	user, err := c.User("nobody")
	if err != nil {
		t.Fatal(err)
	}
	c.kubeconfig = kubeconfigOf(t, user)
	set := adapterSet("[{type: smb, port: 1445}]")
	a := c.must(2, c.runWith(set, "sync", "-f", "-", "-o", "json"))
	expectIn(t, "stderr", a.stderr, "stdin: document 1: StatefulSet "+c.namespace+"/dittofs: Error from server (Forbidden)", `User "nobody" cannot get`)
	expectIn(t, "stdout", a.stdout, `"outcome": "Failed"`, `"error": "`, `"ports": []`)
	c.must(2, c.runWith(set, "diff", "-f", "-"))
	for _, args := range [][]string{{"owners"}, {"history"}, {"release"}, {"adopt", "--from=helm"}} {
		a := c.must(2, c.run(append(args, "sts/dittofs")...))
		expectIn(t, args[0], a.stderr, "Forbidden", `User "nobody"`)
	}
	expect(t, "resourceVersion", c.resourceVersion(), before)
}

func TestConnection_MissingNamespace(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.namespace = "not-there"
	set := adapterSet("[{type: smb, port: 1445}]")
	a := c.must(0, c.runWith(set, "sync", "-f", "-", "--ignore-not-found"))
	expectIn(t, "stderr", a.stderr, "Warning: stdin: document 1: StatefulSet not-there/dittofs not found")
	expectIn(t, "stdout", a.stdout, "TargetNotFound")
	c.must(2, c.runWith(set, "sync", "-f", "-"))
	c.must(2, c.runWith(set, "diff", "-f", "-"))
	c.must(0, c.runWith(set, "diff", "-f", "-", "--ignore-not-found"))
	expectIn(t, "owners", c.must(2, c.run("owners", "sts/dittofs")).stderr, "Namespace not-there not found; check the namespace (-n)")
	if _, err := c.Kubectl(t.Context(), "default", "", "get", "namespace", "not-there"); err == nil || !strings.Contains(err.Error(), "(NotFound)") {
		t.Errorf("the namespace afterwards: %v", err)
	}
}

// TestConnection_BrokenEndsTheRun: once the connection is broken, the other targets
// are skipped and reported.
func TestConnection_BrokenEndsTheRun(t *testing.T) {
	t.Parallel()
	kubeconfig := silentServer(t)
	sets := []string{}
	for _, name := range []string{"a", "b", "c"} {
		sets = append(sets, strings.ReplaceAll(adapterSet("[]"), "dittofs", name))
	}
	started := time.Now()
	a := runProgram(t, strings.Join(sets, "---\n"), "sync", "-f", "-", "--kubeconfig", kubeconfig, "--request-timeout=1s")
	if took := time.Since(started); took > 2500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	if a.code != 1 {
		t.Errorf("exit code %d", a.code)
	}
	expectIn(t, "stderr", a.stderr, "2 more of 3 AdapterSets: skipped: the API server was unreachable")
	expectIn(t, "stdout", a.stdout, "sts/a    Failed", "sts/b    Failed", "sts/c    Failed")
}

func kubeconfigOf(t *testing.T, config *rest.Config) string {
	t.Helper()
	content, err := testenv.KubeconfigOf(config, "")
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "kubeconfig", string(content))
}

func withToken(t *testing.T, c *cluster) string {
	t.Helper()
	config := rest.AnonymousClientConfig(c.Config())
	config.BearerToken = "unknown"
	return kubeconfigOf(t, config)
}

// expiredClient returns a kubeconfig for a user with every permission, whose
// certificate has expired.
func expiredClient(t *testing.T, c *cluster) string {
	t.Helper()
	config, err := c.ExpiredUser("late", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	return kubeconfigOf(t, config)
}

// TestExitCode_OfSeveralTargets: a target that is refused and one for which the server
// is unreachable are both reported, and the exit code is that of the second.
func TestExitCode_OfSeveralTargets(t *testing.T) {
	t.Parallel()
	kubeconfig := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/refused") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"not yours","code":403}`)
			return
		}
		panic(http.ErrAbortHandler) // the connection breaks
	})
	set := func(name string) string { return strings.ReplaceAll(adapterSet("[]"), "dittofs", name) }
	run := func(sets ...string) answer {
		return runProgram(t, strings.Join(sets, "---\n"), "sync", "-f", "-", "--kubeconfig", kubeconfig)
	}
	if a := run(set("refused")); a.code != 2 {
		t.Errorf("refused: exit code %d\n%s", a.code, a.stderr)
	}
	a := run(set("refused"), set("broken"))
	if a.code != 1 {
		t.Errorf("refused and broken: exit code %d\n%s", a.code, a.stderr)
	}
	expectIn(t, "stderr", a.stderr, "default/refused: Error from server (Forbidden): not yours", "default/broken: unable to connect")
	expectIn(t, "stdout", a.stdout, "sts/refused   Failed", "sts/broken    Failed")
}
