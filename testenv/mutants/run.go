package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// limit bounds the tests of one mutant, in the syntax of go test's -timeout.
	limit = "2m"
	// patience bounds the waits of those tests: many find a mutant since what they wait
	// for never comes.
	patience = "PORTSIDE_PATIENCE=30s"
)

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked   = regexp.MustCompile(`(?m)^panic: `)
)

// test runs the tests with the mutant and returns the one that failed. It is an error if
// none did.
func (m mutant) test(ctx context.Context) (by string, err error) {
	folder, err := os.MkdirTemp("", "portside-mutant-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	overlay, err := m.overlay(folder)
	if err != nil {
		return "", err
	}
	by, output, err := m.found.test(ctx, "-overlay", overlay)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w\n%s", err, output)
	case by == "":
		return "", fmt.Errorf("the tests %s %s pass", m.found.pkg, m.found.run)
	}
	return by, nil
}

// overlay writes the changed file, and the file for go test's -overlay.
func (m mutant) overlay(folder string) (string, error) {
	real, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(real)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s has %d times the text that is to be replaced: %q", m.file, n, m.old)
	}
	changed := filepath.Join(folder, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(map[string]map[string]string{"Replace": {real: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, encoded, 0o600)
}

// test runs the tests, and returns the first that failed, empty if all passed. Its error
// is that none ran to its end.
func (f finder) test(ctx context.Context, flags ...string) (failed, output string, err error) {
	args := append([]string{"test", "-count=1", "-failfast", "-vet=off", "-timeout", limit}, flags...)
	if f.run != "" {
		args = append(args, "-run", f.run)
	}
	args = append(args, f.pkg)
	if len(f.args) > 0 {
		args = append(append(args, "-args"), f.args...)
	}
	command := exec.CommandContext(ctx, "go", args...)
	command.Env = append(append(os.Environ(), patience), f.env...)
	var all bytes.Buffer
	command.Stdout, command.Stderr = &all, &all
	err = command.Run()
	output = all.String()
	var exit *exec.ExitError
	switch match := failedTest.FindStringSubmatch(output); {
	case err == nil:
		if strings.Contains(output, "no tests to run") {
			return "", output, errors.New("no tests match")
		}
		return "", output, nil
	case !errors.As(err, &exit):
		return "", output, err
	case strings.Contains(output, "panic: test timed out"):
		return "", output, errors.New("the tests took longer than " + limit)
	case match != nil:
		return match[1], output, nil
	case panicked.MatchString(output):
		return "a panic", output, nil
	}
	return "", output, fmt.Errorf("the tests did not run: %w", err)
}
