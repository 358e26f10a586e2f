package cmd_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

func TestOwners(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.must(0, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-"))
	_, err := c.Manager(testenv.KubectlEdit).Update(t.Context(), "StatefulSet", c.namespace, "dittofs", func(live *unstructured.Unstructured) {
		testenv.SetPorts(live, "dittofs", `[{name: api, containerPort: 8080, protocol: TCP, hostPort: 8080},
		  {name: nfs, containerPort: 2049, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP}]`)
	})
	if err != nil {
		t.Fatal(err)
	}
	const table = `CONTAINER   PORT          NUMBER     OWNERS
dittofs     api           8080/TCP   argocd-controller
dittofs     nfs           2049/TCP   argocd-controller
dittofs     adapter-smb   1445/TCP   portside
`
	for _, args := range [][]string{{"sts/dittofs"}, {"sts", "dittofs"}, {"statefulsets.apps/dittofs"}, {"StatefulSet.v1.apps", "dittofs"}, {"sts/dittofs", "-c", "dittofs"}} {
		expect(t, "table", c.must(0, c.run(append([]string{"owners"}, args...)...)).stdout, table)
	}
	wide := regexp.MustCompile(` \d+s +`).ReplaceAllString(c.must(0, c.run("owners", "sts/dittofs", "-o", "wide")).stdout, " 1s  ")
	expectIn(t, "wide", wide, "OPERATION", "LAST WRITE", "OWNS",
		"api           8080/TCP   8080     argocd-controller   Apply       1s  the port: containerPort, name, protocol\n",
		"api           8080/TCP   8080     kubectl-edit        Update      1s  only hostPort\n",
		"adapter-smb   1445/TCP   <none>   portside            Apply       1s  the port: containerPort, name, protocol\n")
	expect(t, "name", c.must(0, c.run("owners", "sts/dittofs", "-o", "name")).stdout, "argocd-controller\nportside\n")

	var document struct {
		Ports []struct {
			Name     string
			Managers []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(c.must(0, c.run("owners", "sts/dittofs", "-o", "json")).stdout), &document); err != nil {
		t.Fatal(err)
	}
	edit := document.Ports[0].Managers[1]
	if edit["manager"] != "kubectl-edit" || edit["operation"] != "Update" || edit["ownsPort"] != false || edit["lastWrite"] == nil {
		t.Errorf("the manager that owns a leaf alone: %v", edit)
	}
	expectIn(t, "yaml", c.must(0, c.run("owners", "sts/dittofs", "-o", "yaml")).stdout, "    ownsPort: false\n")
	expectIn(t, "stderr", c.must(2, c.run("owners", "sts/dittofs", "-c", "gone")).stderr, `container "gone" not found; it has dittofs`)
}

func TestOwners_Usage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		stderr string
	}{
		{nil, "required resource not specified"},
		{[]string{"sts/"}, `the name is missing after "sts"`},
		{[]string{"sts", "ds/y"}, `cannot read "sts ds/y"`},
		{[]string{"sts/x/y"}, `cannot read "sts/x/y"`},
		{[]string{"sts/x", "--gone"}, "unknown flag: --gone"},
		{[]string{"sts/x", "-o", "csv"}, "must be one of table, wide, json, yaml, name, annotated"},
	} {
		a := runProgram(t, "", append([]string{"owners"}, test.args...)...)
		if a.code != 1 || a.stdout != "" {
			t.Errorf("%v: exit code %d, stdout %q", test.args, a.code, a.stdout)
		}
		expectIn(t, "stderr", a.stderr, "error: ", test.stderr, "See 'portside owners --help' for usage.")
	}
}
