package cmd_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestLog(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	set := adapterSet("[{type: smb, port: 1445}]")
	expect(t, "-v 0", c.must(0, c.runWith(set, "sync", "-f", "-")).stderr, "")

	// As text the log is for people: one line for each write.
	set = adapterSet("[{type: smb, port: 1446}]")
	text := c.must(0, c.runWith(set, "sync", "-f", "-", "-v", "1", "--log-format", "text"))
	line := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) info apply accepted \{.*"target": "StatefulSet ` + c.namespace + `/dittofs".*"container": "dittofs".*\}\n$`)
	if !line.MatchString(text.stderr) {
		t.Errorf("-v 1 as text:\n%s", text.stderr)
	}
	expectIn(t, "stdout", text.stdout, "Applied")
	expect(t, "text is the default", squeezeTime(c.must(0, c.runWith(set, "sync", "-f", "-", "-v", "1")).stderr), squeezeTime(text.stderr))

	document := c.must(0, c.runWith(set, "sync", "-f", "-", "-v", "1", "--log-format=json"))
	var entry struct{ Time, Level, Msg, Target string }
	if err := json.Unmarshal([]byte(document.stderr), &entry); err != nil {
		t.Fatalf("-v 1 as JSON: %v\n%s", err, document.stderr)
	}
	if strings.Contains(document.stderr, `"v":`) {
		t.Errorf("the line has the verbosity, which no reader needs: %s", document.stderr)
	}
	if entry.Time == "" || entry.Level != "info" || entry.Msg != "apply accepted" || entry.Target != "StatefulSet "+c.namespace+"/dittofs" {
		t.Errorf("-v 1 as JSON: %s", document.stderr)
	}
	user, err := c.User("looker")
	if err != nil {
		t.Fatal(err)
	}
	looker := &cluster{ControlPlane: c.ControlPlane, t: t, namespace: c.namespace, kubeconfig: kubeconfigOf(t, user)}
	if _, err := c.Kubectl(t.Context(), c.namespace, "", "create", "role", "looker", "--verb=get", "--resource=statefulsets.apps"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kubectl(t.Context(), c.namespace, "", "create", "rolebinding", "looker", "--role=looker", "--user=looker"); err != nil {
		t.Fatal(err)
	}
	refused := looker.must(2, looker.runWith(adapterSet("[{type: smb, port: 1447}]"), "sync", "-f", "-", "-v", "1"))
	expectIn(t, "stderr", refused.stderr, "info apply failed", "cannot patch")
	if strings.Contains(refused.stderr, "accepted") || strings.Contains(refused.stderr, "applied") {
		t.Errorf("a refused apply is logged as if it had been accepted:\n%s", refused.stderr)
	}

	expectIn(t, "stderr", c.must(1, c.runWith(set, "sync", "-f", "-", "--log-format=xml")).stderr, "must be one of text, json")
	expectIn(t, "stderr", c.must(1, c.runWith(set, "sync", "-f", "-", "-v", "11")).stderr, "-v 11 is not within 0 to 10")
}

// squeezeTime removes the time of a line of the log.
func squeezeTime(text string) string {
	_, rest, _ := strings.Cut(text, " ")
	return rest
}
