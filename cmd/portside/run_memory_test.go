package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// memoryLimit returns the limit of the container that the manifests ship, in
// bytes.
func memoryLimit(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("../../examples/install/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	if err := yaml.UnmarshalStrict(text, &deployment); err != nil {
		t.Fatal(err)
	}
	limit := deployment.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Value()
	if limit == 0 {
		t.Fatal("the container has no memory limit")
	}
	return limit
}

// build builds the program as the image has it: the test's own binary takes more
// memory.
func build(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "portside")
	command := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", path, ".")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// peakMemory returns the most memory of the process that was in RAM, in bytes:
// VmHWM of status, see proc_pid_status(5).
func (s *service) peakMemory() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	s.t.Fatal("the process has no VmHWM")
	return 0
}

// goMemoryLimit returns the memory limit of the Go runtime, in bytes.
func (s *service) goMemoryLimit() int64 {
	s.t.Helper()
	_, body, err := get(s.t.Context(), "http://"+s.metrics+"/metrics", "")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(body) {
		var limit float64
		if n, _ := fmt.Sscanf(line, "go_gc_gomemlimit_bytes %g", &limit); n == 1 {
			return int64(limit)
		}
	}
	s.t.Fatal("there is no metric of it")
	return 0
}
