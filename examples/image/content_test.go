package main

import (
	"bytes"
	"crypto/x509"
	"debug/buildinfo"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
)

// TestRoots: a pool that verifies what the world's servers show.
func TestRoots(t *testing.T) {
	t.Parallel()
	data, err := roots()
	if err != nil {
		t.Fatal(err)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(data) {
		t.Error("no certificate in it")
	}
	if n := bytes.Count(data, []byte("BEGIN CERTIFICATE")); n < 100 {
		t.Errorf("%d certificates", n)
	}
}

// TestBillNamesEveryModule that the linker put into the binary, with what it
// replaced, and those that are not in the binary.
func TestBillNamesEveryModule(t *testing.T) {
	t.Parallel()
	b := binary{info: &buildinfo.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "example.com/portside"}, Deps: []*debug.Module{
		{Path: "example.com/A", Version: "v1.0.0+incompatible"},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/c", Version: "v2.0.0"}},
	}}}
	text, err := billOf(b, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var bill cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bill); err != nil {
		t.Fatal(err)
	}
	if got := bill.Metadata.Component.PackageURL; got != "pkg:golang/example.com/portside@v1.2.3" {
		t.Errorf("it is of %s", got)
	}
	var urls []string
	for _, c := range *bill.Components {
		urls = append(urls, c.PackageURL)
	}
	want := []string{"pkg:golang/std@1.26.8", "pkg:golang/example.com/a@v1.0.0%2Bincompatible", "pkg:golang/example.com/c@v2.0.0"}
	if len(urls) != 4 || strings.Join(urls[:3], " ") != strings.Join(want, " ") || !strings.HasPrefix(urls[3], "pkg:golang/"+rootsModule+"@v0.0.0-") {
		t.Errorf("components %q", urls)
	}
	if depends := *(*bill.Dependencies)[0].Dependencies; len(depends) != len(urls) {
		t.Errorf("depends on %q", depends)
	}
}

// TestTheCommitIsInTheLabels, and its time is that of the image.
func TestTheCommitIsInTheLabels(t *testing.T) {
	t.Parallel()
	b := binary{info: &buildinfo.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
	}}}
	all := labels(b, version)
	if all["org.opencontainers.image.revision"] != "0123abc" || all["org.opencontainers.image.created"] != "2026-01-02T03:04:05Z" {
		t.Errorf("labels %v", all)
	}
	if (binary{info: &buildinfo.BuildInfo{}}).created().Unix() != 0 {
		t.Error("without a commit it has a time")
	}
}

// TestNames are those that `portside install` prints.
func TestNames(t *testing.T) {
	t.Parallel()
	for version, tag := range map[string]string{"v1.2.3": "v1.2.3", "v1.2.3+dirty": "devel", "": "devel", "1a2b3c4-dirty": "1a2b3c4-dirty"} {
		if got := names(version)["org.opencontainers.image.ref.name"]; got != tag {
			t.Errorf("%q: %q, want %q", version, got, tag)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                         "name an -archive or a -rootfs",
		"-archive a -rootfs b":     "name an -archive or a -rootfs",
		"-archive a now":           "unexpected arguments",
		"-rootfs b -platforms a,b": "of one platform",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	for _, platform := range []string{"", "amd64", "windows/amd64", "linux/", "linux/arm/v7"} {
		if p, err := parsePlatform(platform); err == nil {
			t.Errorf("%q: %v", platform, p)
		}
	}
}

const dockerfile = "Dockerfile"

// TestDockerfileMakesTheSame: the Dockerfile has the files of -rootfs, and the same
// configuration as the archive.
func TestDockerfileMakesTheSame(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	_, final, found := strings.Cut(joined, "\nFROM scratch\n")
	if !found {
		t.Fatal("no stage from scratch")
	}
	configured := map[string]string{}
	for line := range strings.Lines(final) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if instruction != "LABEL" {
			configured[instruction] = rest
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
		configured[name] = strings.Trim(value, `"`)
	}
	for name, value := range labels(binary{info: &buildinfo.BuildInfo{}}, "$VERSION") {
		if configured[name] != value {
			t.Errorf("label %s: %q, want %q", name, configured[name], value)
		}
	}
	for instruction, want := range map[string]string{"USER": user, "ENTRYPOINT": `["/` + binaryPath + `"]`, "COPY": "--from=build /image /", "WORKDIR": "/"} {
		if configured[instruction] != want {
			t.Errorf("%s %q, want %q", instruction, configured[instruction], want)
		}
	}
}
