package helm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

// notOf are the lines of the example's StatefulSet that another kind does not have.
var notOf = map[string][]string{
	"Deployment": {"  serviceName: {{ .Release.Name }}\n"},
	"DaemonSet":  {"  serviceName: {{ .Release.Name }}\n", "  replicas: {{ .Values.replicas }}\n"},
}

// chartOf returns the example's chart with a workload of another kind.
func chartOf(t *testing.T, kind string) string {
	t.Helper()
	chart := t.TempDir()
	compat.Must(t, os.CopyFS(chart, os.DirFS(chartFolder)))
	path := filepath.Join(chart, "templates", "statefulset.yaml")
	text, err := os.ReadFile(path)
	compat.Must(t, err)
	template := replaced(t, string(text), "kind: "+compat.Kind, "kind: "+kind)
	for _, line := range notOf[kind] {
		template = replaced(t, template, line, "")
	}
	compat.Must(t, os.WriteFile(path, []byte(template), 0o600))
	return chart
}

func replaced(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q does not occur once in the template", old)
	}
	return strings.Replace(text, old, replacement, 1)
}

// TestHistories_otherKinds runs histories of the kinds other than StatefulSet.
func TestHistories_otherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		chart := chartOf(t, kind)
		for _, mode := range []compat.Mode{
			{Tool: "Helm 4", Mode: "client side", Sync: helm.Helm4{Chart: chart, ClientSide: true}.Sync, Forces: true, ByNumber: true},
			{Tool: "Helm 4", Mode: "server side", Sync: helm.Helm4{Chart: chart}.Sync},
			{Tool: "Helm 3", Mode: "three-way merge", Sync: helm3{chart: chart}.Sync, Forces: true, ByNumber: true},
		} {
			t.Run(kind+", "+mode.Tool+" "+mode.Mode, func(t *testing.T) {
				t.Parallel()
				mode.HistoryOf(t, kind)
			})
		}
	}
}
