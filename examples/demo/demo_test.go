package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestStory plays the whole story as `make demo` with --keep, runs the commands that it
// prints in the end, and ends it as Ctrl-C does.
func TestStory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout bytes.Buffer
	printed, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"--keep"}, wholeShow, &stdout, stderr)
		stderr.Close()
	}()

	var progress strings.Builder
	if _, err := io.Copy(&progress, &untilInvited{printed}); err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^KUBECONFIG=.*$`).FindAllString(progress.String(), -1)
	if len(lines) != 2 {
		t.Errorf("the lines to use the control plane are %q, want kubectl's and portside's", lines)
	}
	for _, line := range lines {
		shell(t, line)
	}
	if len(lines) == 2 {
		portside, _, _ := strings.Cut(lines[1], " owners ")
		shell(t, portside+" apply -f ../dittofs/adapterset-declared.yaml --dry-run=server")
	}
	interrupt()
	rest, err := io.ReadAll(printed)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Fatalf("exit code %d\n%s%s%s", got, stdout.String(), progress.String(), rest)
	}
	readable(t, stdout.String())
	checkExcerpts(t, stdout.String())
	nothingIsLeft(t)
}

// untilInvited reads until the last line of the invitation.
type untilInvited struct{ from io.Reader }

func (u *untilInvited) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	if bytes.Contains(p[:n], []byte(" owners statefulset/")) {
		return n, io.EOF
	}
	return n, err
}

// shell runs a line in a shell.
func shell(t *testing.T, line string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil || !strings.Contains(string(output), "dittofs") {
		t.Errorf("%s: %v\n%s", line, err, output)
	}
}

// readable checks the output to a file.
func readable(t *testing.T, output string) {
	t.Helper()
	for line := range strings.Lines(output) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
			t.Errorf("a line is %d columns wide: %q", n, line)
		}
	}
	if strings.Contains(output, "\x1b") {
		t.Error("there is an escape sequence in the output")
	}
	for _, st := range story {
		if !strings.Contains(output, st.title) {
			t.Errorf("%q is not in the output", st.title)
		}
	}
	for _, sc := range scenes {
		if !strings.Contains(output, sc.title) {
			t.Errorf("%q is not in the output", sc.title)
		}
	}
}

// nothingIsLeft checks the folder of temporary files.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// TestFailingStep breaks an expectation: the error is printed before the invitation to
// use the control plane, and at the end.
func TestFailingStep(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	wrong := story[0]
	wrong.want.podStarts++
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout bytes.Buffer
	stderr := &atText{text: " owners statefulset/", do: interrupt}
	if code := run(ctx, []string{"--keep", "--portside", silent(t)}, programme{story: []step{wrong, story[1]}}, &stdout, stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	const complaint = "demo: step 1, Argo CD deploys DittoFS: not as claimed:\ngeneration 1, pods started 2: is 1, should be 2\n"
	before, _, invited := strings.Cut(stderr.String(), "The control plane runs until Ctrl-C")
	if !invited || !strings.Contains(before, complaint) || !strings.HasSuffix(stderr.String(), complaint) {
		t.Errorf("stderr is\n%s\nwant before the invitation and at its end\n%s", stderr.String(), complaint)
	}
	if strings.Contains(stdout.String(), story[1].title) {
		t.Error("the story went on after a claim that does not hold")
	}
	nothingIsLeft(t)
}

// TestFailingScene has a scene that costs more than it claims: the demo does not wait for
// an outcome that has become impossible, and nothing is left of the service.
func TestFailingScene(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	wrong := scenes[0]
	wrong.want.changes, wrong.want.podStarts = 0, 1
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), nil, programme{scenes: []scene{wrong, scenes[1]}}, &stdout, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "demo: 9. "+wrong.title+": not as claimed:\n") {
		t.Errorf("stderr %q", stderr.String())
	}
	if strings.Contains(stdout.String(), scenes[1].title) {
		t.Error("the act went on after a claim that does not hold")
	}
	nothingIsLeft(t)
}

// silent returns a command that does nothing, so that tests need not build portside.
func silent(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"-h"}, 0, "-keep"},
		{[]string{"--nope"}, 2, "not defined: -nope"},
		{[]string{"--act", "3"}, 2, "there is no act 3"},
		{[]string{"nfs"}, 2, `unexpected arguments ["nfs"]`},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), test.args, programme{}, &stdout, &stderr); code != test.code {
			t.Errorf("%q: exit code %d, want %d", test.args, code, test.code)
		}
		if !strings.Contains(stderr.String(), test.stderr) || stdout.Len() > 0 {
			t.Errorf("%q: stdout %q, stderr %q, want %q in it", test.args, stdout.String(), stderr.String(), test.stderr)
		}
	}
}

// TestInterrupted interrupts the demo while it starts: nothing is left.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout bytes.Buffer
	stderr := &atText{text: "starting etcd", do: interrupt}
	if code := run(ctx, []string{"--portside", silent(t)}, wholeShow, &stdout, stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.HasSuffix(stderr.String(), "demo: interrupted\n") || stdout.Len() > 0 {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
	nothingIsLeft(t)
}

// atText calls do once a text is written.
type atText struct {
	bytes.Buffer
	text string
	do   func()
}

func (a *atText) Write(p []byte) (int, error) {
	if strings.Contains(string(p), a.text) {
		a.do()
	}
	return a.Buffer.Write(p)
}

// TestReaderEnds: when the reader of the story ends, printing fails.
func TestReaderEnds(t *testing.T) {
	p := newPrinter(closed{})
	p.linef("one")
	p.linef("two")
	if !errors.Is(p.err, io.ErrClosedPipe) {
		t.Errorf("the printer's error is %v", p.err)
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestColour(t *testing.T) {
	var text bytes.Buffer
	p := &printer{w: &text, colour: true}
	p.claim(claim{text: "so"})
	if want := "  \x1b[32m✓\x1b[0m so\n"; text.String() != want {
		t.Errorf("in colour: %q, want %q", text.String(), want)
	}
	if t.Setenv("NO_COLOR", "1"); wantsColour() {
		t.Error("there is colour although NO_COLOR is set")
	}
	t.Setenv("NO_COLOR", "")
	if t.Setenv("TERM", "dumb"); wantsColour() {
		t.Error("there is colour on a dumb terminal")
	}
}
