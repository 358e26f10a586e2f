package cmd_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// pageText returns the text of the page, without tags and in one line.
func pageText(t *testing.T, a answer) string {
	t.Helper()
	if !strings.HasPrefix(a.stdout, "<!doctype html>") || !strings.HasSuffix(a.stdout, "</html>\n") {
		t.Fatalf("stdout is no page:\n%s", a.stdout)
	}
	text := regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`).ReplaceAllString(a.stdout, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

func TestOwners_Page(t *testing.T) {
	t.Parallel()
	h := &historyOf{cluster: newCluster(t, testenv.WithControllers(t)), kind: "StatefulSet"}
	h.argocd(staticPorts)
	h.apply("[{type: nfs, port: 12049}]")
	h.by(func() error {
		_, err := h.Kubectl(t.Context(), h.namespace, "", "set", "env", "statefulset/dittofs", "LOG=debug")
		return err
	})
	const config = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {mode: fast}}`
	h.Manager(testenv.ArgoCD).In(h.namespace).MustApply(t, config)
	h.Manager(testenv.ArgoCD).In(h.namespace).MustApply(t, `{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {ports: [{port: 80}]}}`)
	a := h.must(0, h.run("owners", "sts/dittofs", "configmap/settings", "service/files", "-o", "html"))
	expect(t, "stderr", a.stderr, "")
	expectIn(t, "the page", pageText(t, a),
		"by portside v0.0.0-test.", "StatefulSet "+h.namespace+"/dittofs", "Read from the cluster",
		"api 8080/TCP A argocd-controller", "adapter-nfs 12049/TCP",
		"2 rollouts since the oldest revision kept; 1 of them changed ports.",
		"(recorded in an Event) + added adapter-nfs 12049/TCP in dittofs The rollout restarts every pod.",
		"No port changed: another part of the pod template did.",
		"ConfigMap "+h.namespace+"/settings", "A ConfigMap has no revisions of a pod template: only statefulsets.apps, deployments.apps, daemonsets.apps and Services have a history.",
		"A Service has no revisions, and portside recorded no change of its ports.")

	document, err := h.Kubectl(t.Context(), h.namespace, "", "get", "statefulset,configmap", "-o", "yaml", "--show-managed-fields")
	if err != nil {
		t.Fatal(err)
	}
	text := pageText(t, h.must(0, runProgram(t, document, "owners", "-f", "-", "-o", "html")))
	expectIn(t, "the page of a file", text, "Read from a file", "adapter-nfs 12049/TCP", "The object was read from a file, which has no history.")

	h.as("reader-"+h.namespace, "create", "role", "reader-"+h.namespace, "--verb=get", "--resource=statefulsets.apps")
	a = h.must(0, h.run("owners", "sts/dittofs", "-o", "html"))
	expectIn(t, "the page without permissions", pageText(t, a), "adapter-nfs 12049/TCP", "Cannot read the history: ")
	expectIn(t, "stderr", a.stderr, "cannot read the history of StatefulSet "+h.namespace+"/dittofs")
}

func TestOwners_PageUsage(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--list=status.conditions", "--container=dittofs"} {
		a := runProgram(t, "", "owners", "sts/dittofs", "-o", "html", flag)
		if a.code != 1 || a.stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q", flag, a.code, a.stdout)
		}
		expectIn(t, "stderr", a.stderr, "-o html shows whole objects: leave out --list and --container")
	}
}
