package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// block is the README's first code block of a language.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$").FindSubmatch(text)
	if match == nil {
		t.Fatalf("the README has no code block in %s", language)
	}
	return string(match[1])
}

// readmeExcerpt: what the README shows of the demo is what the demo prints, but
// for the resourceVersion, which is another each time.
func readmeExcerpt(t *testing.T, output string) {
	t.Helper()
	mask := func(text string) string {
		return regexp.MustCompile(`resourceVersion \d+`).ReplaceAllString(text, "resourceVersion N")
	}
	if excerpt := block(t, "text"); !strings.Contains(mask(output), mask(excerpt)) {
		t.Errorf("the demo does not print what the README shows:\n%s", excerpt)
	}
}

// readmeCommands: the commands and flags that the README shows are there.
func readmeCommands(t *testing.T, portside string) {
	t.Helper()
	shown := 0
	for line := range strings.Lines(block(t, "sh")) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "portside" {
			continue
		}
		shown++
		help, err := exec.CommandContext(t.Context(), "sh", "-c", portside+" "+words[1]+" --help").CombinedOutput()
		if err != nil {
			t.Errorf("portside %s --help: %v\n%s", words[1], err, help)
		}
		for _, word := range words[2:] {
			flag, _, _ := strings.Cut(word, "=")
			if strings.HasPrefix(flag, "-") && !regexp.MustCompile(`(?m)^\s+(-\w, )?`+flag+`[=,]`).Match(help) {
				t.Errorf("%s: portside %s has no flag %s", strings.TrimSpace(line), words[1], flag)
			}
		}
	}
	if shown == 0 {
		t.Error("the README shows no command of portside")
	}
}
