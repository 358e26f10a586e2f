package portside

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/portside-dev/portside/testenv"
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
	source, err := testenv.ModuleFile("cmd/portside")
	if err != nil {
		return Program{}, err
	}
	program := Program{Path: filepath.Join(into, "portside")}
	command := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", program.Path, ".")
	command.Dir = source
	if output, err := command.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("cannot build portside: %w\n%s", err, output)
	}
	return program, nil
}

// BuildFor is [Build] for a test, into a temporary folder.
func BuildFor(t testing.TB) Program {
	t.Helper()
	program, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return program
}
