package release

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// downloads is where the manifest expects the archives of a release.
const downloads = "https://github.com/portside-dev/portside/releases/download/"

// checkKrew validates the manifest by krew's own program, which also installs the archive
// of each platform, and runs the plugin by kubectl.
func (r built) checkKrew(t *testing.T) {
	manifest := string(read(t, filepath.Join(r.folder, "krew", "portside.yaml")))
	r.expectPlatforms(t, manifest)
	if strings.Count(manifest, downloads) != len(r.platforms) {
		t.Fatalf("the manifest does not name an archive in %s for each platform:\n%s", downloads, manifest)
	}
	// The archives come from the folder: those of the manifest are not published.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		http.ServeFile(w, request, r.files[filepath.Base(request.URL.Path)])
	}))
	defer server.Close()
	local := filepath.Join(t.TempDir(), "portside.yaml")
	if err := os.WriteFile(local, []byte(strings.ReplaceAll(manifest, downloads, server.URL+"/")), 0o600); err != nil {
		t.Fatal(err)
	}

	kubectl := filepath.Join(strings.TrimSpace(run(t, root, ".ci/controlplane")), "kubectl")
	tools, krewRoot := t.TempDir(), t.TempDir()
	run(t, ".", "go", "build", "-o", filepath.Join(tools, "kubectl-krew"), "sigs.k8s.io/krew/cmd/krew")
	run(t, ".", "go", "build", "-o", tools, "sigs.k8s.io/krew/cmd/validate-krew-manifest")
	if err := os.Symlink(kubectl, filepath.Join(tools, "kubectl")); err != nil {
		t.Fatal(err)
	}
	call := func(args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), filepath.Join(tools, args[0]), args[1:]...)
		command.Env = []string{
			"KREW_ROOT=" + krewRoot, "HOME=" + krewRoot, "KREW_NO_UPGRADE_CHECK=1",
			"PATH=" + strings.Join([]string{tools, filepath.Join(krewRoot, "bin"), os.Getenv("PATH")}, string(os.PathListSeparator)),
		}
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, output)
		}
		return string(output)
	}
	call("validate-krew-manifest", "-manifest", local)

	call("kubectl", "krew", "install", "--manifest", local)
	if help := call("kubectl", "portside", "sync", "--help"); !strings.Contains(help, "kubectl portside sync -f") || strings.Contains(help, "\n  portside ") {
		t.Errorf("the plugin calls itself otherwise:\n%s", help)
	}
}

// expectPlatforms fails the test if the manifest has others than the release.
func (r built) expectPlatforms(t *testing.T, manifest string) {
	t.Helper()
	var plugin struct {
		Spec struct {
			Platforms []struct {
				Bin      string
				Selector struct{ MatchLabels struct{ OS, Arch string } }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(manifest), &plugin); err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, p := range plugin.Spec.Platforms {
		labels := p.Selector.MatchLabels
		platforms = append(platforms, labels.OS+"/"+labels.Arch)
		if want := map[bool]string{true: "portside.exe", false: "portside"}[labels.OS == "windows"]; p.Bin != want {
			t.Errorf("the program on %s is %s", labels.OS, p.Bin)
		}
	}
	slices.Sort(platforms)
	if !slices.Equal(platforms, r.platforms) || !slices.Contains(platforms, runtime.GOOS+"/"+runtime.GOARCH) {
		t.Errorf("the manifest has %q, and the release %q", platforms, r.platforms)
	}
}
