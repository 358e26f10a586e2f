package release

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const root = "../.."

// platform matches the name of the archive of a platform.
var platform = regexp.MustCompile(`^portside_(.+)_(linux|darwin|windows)_(amd64|arm64)\.(tar\.gz|zip)$`)

func TestRelease(t *testing.T) {
	r := releaseOf(t)
	var platforms []string
	for name, file := range r.files {
		parts := platform.FindStringSubmatch(name)
		if parts == nil {
			continue
		}
		platforms = append(platforms, parts[2]+"/"+parts[3])
		t.Run(name, func(t *testing.T) { r.checkArchive(t, read(t, file), parts[1], parts[2], parts[3]) })
	}
	slices.Sort(platforms)
	if !slices.Equal(platforms, r.platforms) {
		t.Fatalf("there are archives for %q, want %q", platforms, r.platforms)
	}
	t.Run("checksums", r.checkSums)
	t.Run("chart", r.checkChart)
	t.Run("krew", r.checkKrew)
}

// built is a folder that goreleaser wrote.
type built struct {
	folder    string
	platforms []string // that are in it
	files     map[string]string
}

// releaseOf returns the release of PORTSIDE_RELEASE, or builds a snapshot.
func releaseOf(t *testing.T) built {
	t.Helper()
	r := built{folder: os.Getenv("PORTSIDE_RELEASE"), files: map[string]string{}}
	if r.folder != "" {
		r.platforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}
	} else {
		r.folder = filepath.Join(t.TempDir(), "release")
		r.platforms = []string{runtime.GOOS + "/" + runtime.GOARCH}
		run(t, root, "make", "--silent", "release-build", "RELEASE_ARGS=--config="+configFor(t, r.folder))
	}
	entries, err := os.ReadDir(r.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			r.files[entry.Name()] = filepath.Join(r.folder, entry.Name())
		}
	}
	return r
}

// configFor writes goreleaser's configuration for this machine's platform and a folder.
func configFor(t *testing.T, folder string) string {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal(read(t, filepath.Join(root, ".goreleaser.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	config["dist"] = folder
	build := config["builds"].([]any)[0].(map[string]any)
	build["goos"], build["goarch"] = []string{runtime.GOOS}, []string{runtime.GOARCH}
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "goreleaser.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// checkArchive checks the archive of a platform and the bill of materials of its binary.
func (r built) checkArchive(t *testing.T, content []byte, version, goos, goarch string) {
	program := "portside"
	if goos == "windows" {
		program += ".exe"
	}
	files := unpack(t, content)
	want := []string{
		"CHANGELOG.md", "LICENSE", "completions/_portside", "completions/portside.bash", "completions/portside.fish", "completions/portside.ps1", program,
	}
	if names := slices.Sorted(maps.Keys(files)); !slices.Equal(names, want) {
		t.Fatalf("the archive contains %q, want %q", names, want)
	}
	for name, file := range files {
		if mode := file.mode; (name == program) != (mode&0o111 != 0) {
			t.Errorf("%s has the mode %v", name, mode)
		}
		if !file.time.Equal(files[program].time) {
			t.Errorf("%s is of %v, and the binary of %v: want the time of the commit", name, file.time, files[program].time)
		}
	}
	if license := files["LICENSE"].content; !bytes.Equal(license, read(t, filepath.Join(root, "LICENSE"))) {
		t.Error("the LICENSE differs from that of the repository")
	}
	info, err := buildinfo.Read(bytes.NewReader(files[program].content))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["GOOS"] != goos || settings["GOARCH"] != goarch || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" {
		t.Errorf("the binary is built with %v", settings)
	}
	r.checkBill(t, strings.Join([]string{"portside", version, goos, goarch}, "_")+".cdx.json", version, info)
	if goos == runtime.GOOS && goarch == runtime.GOARCH {
		checkProgram(t, files, version)
	}
}

// checkBill checks that a bill of materials lists the modules of the binary.
func (r built) checkBill(t *testing.T, name, version string, info *buildinfo.BuildInfo) {
	t.Helper()
	var bill struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(read(t, r.files[name]), &bill); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if main := bill.Metadata.Component; bill.BOMFormat != "CycloneDX" || main.Name != info.Main.Path || main.Version != "v"+version {
		t.Errorf("%s is a %s of %s %s", name, bill.BOMFormat, main.Name, main.Version)
	}
	listed := map[string]string{}
	for _, c := range bill.Components {
		listed[c.Name] = c.Version
	}
	for _, dep := range info.Deps {
		if listed[dep.Path] != dep.Version {
			t.Errorf("%s lists %s %q, and the binary has %s", name, dep.Path, listed[dep.Path], dep.Version)
		}
	}
}

// checkProgram runs the binary: its version is that of the release, and the archive has
// the completions that it prints.
func checkProgram(t *testing.T, files map[string]file, version string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "portside")
	if err := os.WriteFile(program, files["portside"].content, 0o700); err != nil { //nolint:gosec // G306: a program
		t.Fatal(err)
	}
	if printed := run(t, ".", program, "version"); !strings.HasPrefix(printed, "portside v"+version+" ") {
		t.Errorf("the program prints %q, want the version v%s", printed, version)
	}
	for name, shell := range map[string]string{"_portside": "zsh", "portside.bash": "bash", "portside.fish": "fish", "portside.ps1": "powershell"} {
		if run(t, ".", program, "completion", shell) != string(files["completions/"+name].content) {
			t.Errorf("completions/%s is not what the program prints for %s", name, shell)
		}
	}
}

// checkSums checks that checksums.txt has the SHA-256 of every file that is published
// with it.
func (r built) checkSums(t *testing.T) {
	sums := map[string]string{}
	for line := range strings.Lines(string(read(t, r.files["checksums.txt"]))) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	for name, file := range r.files {
		if published := regexp.MustCompile(`\.(tar\.gz|zip|cdx\.json)$`); !published.MatchString(name) {
			continue
		}
		if sum := sha256.Sum256(read(t, file)); sums[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("checksums.txt has %q for %s", sums[name], name)
		}
		delete(sums, name)
	}
	if len(sums) > 0 {
		t.Errorf("checksums.txt has further files: %v", sums)
	}
}

// checkChart checks that the archive of the chart has the chart's files, but for those
// that .helmignore lists.
func (r built) checkChart(t *testing.T) {
	folder := filepath.Join(root, "examples/chart")
	want := map[string][]byte{"portside/LICENSE": read(t, filepath.Join(root, "LICENSE"))}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if name := entry.Name(); err != nil || entry.IsDir() || filepath.Ext(name) == ".go" || name == "icon.svg" || name == ".helmignore" {
			return err
		}
		want["portside/"+filepath.ToSlash(strings.TrimPrefix(path, folder+"/"))] = read(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(r.files))
	at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "portside-chart-") })
	if at < 0 {
		t.Fatalf("no chart in %q", names)
	}
	got := unpack(t, read(t, r.files[names[at]]))
	for name, content := range want {
		if file, is := got[name]; !is || !bytes.Equal(file.content, content) {
			t.Errorf("%s is in the archive: %t, with the same content: %t", name, is, bytes.Equal(file.content, content))
		}
	}
	if len(got) != len(want) {
		t.Errorf("the archive contains %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// run runs a command in a folder and returns its output.
func run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = folder
	var errors bytes.Buffer
	command.Stderr = &errors
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, output, &errors)
	}
	return string(output)
}
