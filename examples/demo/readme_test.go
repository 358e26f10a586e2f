package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block returns the README's first code block of a language.
func block(t *testing.T, language string) string {
	t.Helper()
	return blocks(t, language)[0]
}

// blocks returns all code blocks of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(text, -1) {
		all = append(all, string(match[1]))
	}
	if len(all) == 0 {
		t.Fatalf("the README has no code block in %s", language)
	}
	return all
}

// readmeExcerpt checks that the demo prints the README's excerpts, except for the
// resourceVersion, which varies.
func readmeExcerpt(t *testing.T, output string) {
	t.Helper()
	mask := func(text string) string {
		return regexp.MustCompile(`resourceVersion \d+`).ReplaceAllString(text, "resourceVersion N")
	}
	for _, excerpt := range blocks(t, "text") {
		if !strings.Contains(mask(output), mask(excerpt)) {
			t.Errorf("the demo does not print what the README shows:\n%s", excerpt)
		}
	}
}

// dryRun are the commands that write. They get --dry-run=server.
var dryRun = []string{"sync", "adopt", "release"}

// readmeCommands runs the commands of the README's section "Using it" in a folder with
// the files that they name, against the control plane of the story.
func readmeCommands(t *testing.T, portside, kubeconfig string) {
	t.Helper()
	folder := readmeFolder(t)
	shown := 0
	for line := range strings.Lines(block(t, "sh")) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "portside" {
			continue
		}
		shown++
		line = strings.TrimSpace(line)
		if slices.Contains(dryRun, words[1]) {
			line += " --dry-run=server"
		}
		command := exec.CommandContext(t.Context(), "sh", "-c", line)
		command.Dir = folder
		command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "NO_COLOR=1",
			"PATH="+filepath.Dir(portside)+string(filepath.ListSeparator)+os.Getenv("PATH"))
		output, err := command.CombinedOutput()
		code, want := 0, "dittofs"
		switch words[1] {
		case "diff":
			code = 1
		case "adopt":
			code, want = 2, `field manager "dittofs-operator" owns no fields` // the story has no such operator
		}
		if slices.Contains(words, "--all") {
			want = "of 1 workloads" // workloads with nothing to adopt are not listed
		}
		if got := command.ProcessState.ExitCode(); got != code || !strings.Contains(string(output), want) {
			t.Errorf("%s: exit code %d, want %d: %v\n%s", line, got, code, err, output)
		}
	}
	if shown < 7 {
		t.Errorf("the README shows %d commands of portside", shown)
	}
}

// readmeFolder returns a folder with the README's AdapterSet, and a recorded answer under
// the name that the README uses.
func readmeFolder(t *testing.T) string {
	t.Helper()
	recorded, err := os.ReadFile("../dittofs/adapters-both-running.json")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string]string{"adapterset.yaml": block(t, "yaml"), "adapters.json": string(recorded)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
