package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// binary is portside as it was built, and what the linker wrote into it.
type binary struct {
	data []byte
	info *buildinfo.BuildInfo
}

// build builds portside for a platform as `make build` does.
func build(ctx context.Context, o options, platform v1.Platform) (binary, error) {
	folder, err := os.MkdirTemp("", "portside-image-")
	if err != nil {
		return binary{}, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "portside")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+o.version, "-o", path, "./cmd/portside")
	cmd.Dir = o.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	if out, err := cmd.CombinedOutput(); err != nil {
		return binary{}, fmt.Errorf("go build in %s: %w\n%s", o.source, err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return binary{}, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("what the linker wrote into portside: %w", err)
	}
	return binary{data, info}, nil
}

// setting is one of those that `go version -m` lists, empty where the sources
// were in no repository.
func (b binary) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// created is the time of the commit, and of everything in the image: the time
// of the build would make each build another.
func (b binary) created() time.Time {
	t, err := time.Parse(time.RFC3339, b.setting("vcs.time"))
	if err != nil {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC()
}

// parsePlatform reads linux/amd64 or linux/arm64.
func parsePlatform(text string) (v1.Platform, error) {
	os, architecture, found := strings.Cut(text, "/")
	if !found || os != "linux" || architecture == "" || strings.Contains(architecture, "/") {
		return v1.Platform{}, fmt.Errorf("%q is not a platform such as linux/amd64", text)
	}
	return v1.Platform{OS: os, Architecture: architecture}, nil
}
