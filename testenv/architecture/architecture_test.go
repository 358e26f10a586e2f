package architecture_test

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/portside-dev/portside/"
	internal = "cmd/portside/internal/"
)

// mayImport has, for each package of the product, the packages of this module that it
// imports. Imports go one way: a package imports only packages above it in this table.
// Generated packages are left out.
var mayImport = []struct {
	name    string
	imports string // separated by spaces
}{
	// The library: who owns what, the contract, other tools' ways of writing, kinds of
	// workloads, and the Applier.
	{"fieldmanager", ""},
	{"fieldmanager/fieldmanagertest", "fieldmanager"},
	{"apply/port", "fieldmanager"},
	{"apply/advice", "apply/port fieldmanager"},
	{"apply/workload", "apply/advice apply/port fieldmanager"},
	{"apply/v1alpha1", ""},
	{"apply", "apply/advice apply/port apply/v1alpha1 apply/workload fieldmanager"},

	// What the command and the controller share.
	{"examples/chart", ""},
	{internal + "logging", ""},
	{internal + "adapterset", "apply apply/port apply/v1alpha1 apply/workload"},
	{internal + "changes", "apply apply/v1alpha1 apply/workload fieldmanager"},
	{internal + "remedy", "apply apply/advice apply/port apply/workload fieldmanager"},
	{internal + "discovery/expression", ""},
	{internal + "discovery", "apply apply/port apply/v1alpha1 apply/workload @adapterset"},
	{internal + "discovery/httpapi", "apply apply/v1alpha1 @discovery @discovery/expression"},
	{internal + "discovery/sources", "@discovery @discovery/httpapi"},

	// The controller.
	{internal + "cache", "apply apply/v1alpha1 apply/workload @adapterset"},
	{internal + "rollout", "apply apply/port apply/v1alpha1 apply/workload"},
	{internal + "status", "apply apply/advice apply/port apply/v1alpha1 apply/workload @adapterset @changes @discovery @rollout"},
	{internal + "metrics", "apply apply/port apply/workload @cache @discovery @status"},
	{internal + "controller", "apply apply/advice apply/port apply/v1alpha1 apply/workload fieldmanager @adapterset @cache @changes @discovery @discovery/sources @metrics @remedy @rollout @status"},

	// The command line.
	{internal + "install", "apply examples/chart fieldmanager"},
	{internal + "manifest", "apply/v1alpha1 examples/chart @discovery/expression"},
	{internal + "check", "apply apply/v1alpha1 apply/workload @adapterset @install @status"},
	{internal + "history", "apply apply/port apply/v1alpha1 apply/workload fieldmanager @changes"},
	{internal + "request", "apply/v1alpha1 fieldmanager"},
	{internal + "ownership", "fieldmanager"},
	{internal + "backends", ""},
	{internal + "printer", "apply apply/advice apply/port apply/v1alpha1 apply/workload fieldmanager @backends @changes @check @history @ownership"},
	{internal + "page", "apply/v1alpha1 fieldmanager @history @ownership @printer"},
	{internal + "cli", "apply apply/advice apply/port apply/v1alpha1 apply/workload fieldmanager @adapterset @backends @changes @discovery/expression @discovery/httpapi @discovery/sources @logging @manifest @ownership @printer @remedy @request"},
	{internal + "cmd", "apply apply/port apply/v1alpha1 apply/workload fieldmanager @backends @changes @check @cli @controller @history @install @logging @ownership @page @printer @request @status"},
	{"cmd/portside", "@cli @cmd"},
}

// TestImports compares the table with the imports of the packages, both ways: a new
// import must be written down, and one that no longer exists must be removed.
func TestImports(t *testing.T) {
	t.Parallel()
	got := imports(t)
	above := map[string]bool{}
	for _, p := range mayImport {
		want := strings.Fields(strings.ReplaceAll(p.imports, "@", internal))
		for _, name := range want {
			if !above[name] {
				t.Errorf("%s imports %s, which is not above it in the table", p.name, name)
			}
		}
		above[p.name] = true
		has, exists := got[p.name]
		if !exists {
			t.Errorf("%s is in the table, but does not exist", p.name)
		}
		for _, name := range has {
			if !slices.Contains(want, name) {
				t.Errorf("%s imports %s, which the table does not allow: move the code, or add the import to the table", p.name, name)
			}
		}
		for _, name := range want {
			if !slices.Contains(has, name) {
				t.Errorf("%s no longer imports %s: remove it from the table", p.name, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !above[name] {
			t.Errorf("%s is not in the table: add it, with what it may import", name)
		}
	}
}

// TestOracle checks that the oracle shares no code with what it judges.
func TestOracle(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./testenv/oracle")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		name := strings.TrimSpace(line)
		if strings.HasPrefix(name, module) && name != module+"testenv/oracle" || strings.HasPrefix(name, "sigs.k8s.io/structured-merge-diff") && strings.HasSuffix(name, "/merge") {
			t.Errorf("testenv/oracle depends on %s: it must be an implementation of its own", name)
		}
	}
}

// imports returns the packages of the product with their imports within this module,
// without those of tests.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./fieldmanager/...", "./apply/...", "./cmd/...", "./examples/chart")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		if strings.HasPrefix(name, "apply/v1alpha1/applyconfiguration") {
			continue
		}
		all[name] = nil
		for _, path := range fields[1:] {
			if own, ok := strings.CutPrefix(path, module); ok && !strings.HasPrefix(own, "apply/v1alpha1/applyconfiguration") {
				all[name] = append(all[name], own)
			}
		}
	}
	return all
}
