package portside

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Program is an executable of portside.
type Program struct {
	Path string
	// Env are environment variables, as "NAME=value". A process gets no others but
	// HOME and TMPDIR, which are folders of its own.
	Env []string
}

// Build compiles portside from these sources into a folder.
func Build(ctx context.Context, into string) (Program, error) {
	root, err := ModuleRoot()
	if err != nil {
		return Program{}, err
	}
	program := Program{Path: filepath.Join(into, "portside")}
	command := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", program.Path, "./cmd/portside")
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("cannot build portside: %w\n%s", err, output)
	}
	return program, nil
}

// BuildFor is [Build] for a test, whose folder goes with it.
func BuildFor(t testing.TB) Program {
	t.Helper()
	program, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// ModuleRoot returns the folder of portside's main module. The working directory
// must be in it, as that of every test is.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		content, readErr := os.ReadFile(filepath.Join(dir, "go.mod"))
		if readErr == nil && bytes.HasPrefix(content, []byte("module github.com/portside-dev/portside\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("cannot find the sources of portside: run this in a clone of the repository")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// CRDFile returns the path of the CustomResourceDefinition of AdapterSets.
func CRDFile() (string, error) {
	root, err := ModuleRoot()
	return filepath.Join(root, "examples", "install", "crd", "portside.dev_adaptersets.yaml"), err
}
