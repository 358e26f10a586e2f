package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// program is portside or kubectl, as users run it.
type program struct {
	path       string
	kubeconfig string
	dir        string // where it runs: the folder of the manifests
}

// writeKubeconfig writes a configuration to a kubeconfig file.
func writeKubeconfig(path string, config *rest.Config, namespace string) error {
	content, err := testenv.KubeconfigOf(config, namespace)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// command returns the command with these arguments.
func (b program) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, b.path, args...)
	command.Dir = b.dir
	// kubectl has its cache and its kuberc in the home folder.
	command.Env = append(os.Environ(), "KUBECONFIG="+b.kubeconfig, "NO_COLOR=1", "HOME="+filepath.Dir(b.kubeconfig))
	return command
}

// typed returns a command as a user types it.
func typed(command *exec.Cmd) string {
	return strings.Join(append([]string{filepath.Base(command.Path)}, command.Args[1:]...), " ")
}

// run returns the standard output of a command. The error of a failed command has its
// standard error.
func (b program) run(ctx context.Context, args ...string) (string, error) {
	command := b.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s%s", typed(command), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// ask runs the command with -o json.
func (b program) ask(ctx context.Context, args ...string) (*answer, error) {
	output, err := b.run(ctx, append(slices.Clone(args), "-o", "json")...)
	if err != nil {
		return nil, err
	}
	a, err := parseAnswer(output)
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer of portside %s: %w\n%s", args[0], err, output)
	}
	return a, nil
}

func parseAnswer(text string) (*answer, error) {
	a := &answer{}
	return a, json.Unmarshal([]byte(text), a)
}

// answer is a part of the JSON that portside prints.
type answer struct {
	Results []struct {
		Outcome string `json:"outcome"`
		Ports   []struct {
			Name     string `json:"name"`
			Port     int    `json:"port"`
			Protocol string `json:"protocol"`
			State    string `json:"state"`
		} `json:"ports"`
	} `json:"results"`
}

func (a *answer) outcome() string {
	if len(a.Results) != 1 {
		return fmt.Sprintf("%d results", len(a.Results))
	}
	return a.Results[0].Outcome
}

func (a *answer) states() []string {
	var states []string
	for _, result := range a.Results {
		for _, p := range result.Ports {
			states = append(states, fmt.Sprintf("%s:%d/%s %s", p.Name, p.Port, p.Protocol, p.State))
		}
	}
	return states
}
