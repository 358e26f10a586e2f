package examples_test

import (
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/fixture"
)

// lookAt runs each command that the tables and the alerts give the reader to look at.
// The namespace of the test takes the place of that of portside.
func (o *operations) lookAt() {
	o.git.MustApply(o.t, fixture.Deployment("portside", fixture.Container("portside")),
		"{apiVersion: v1, kind: Service, metadata: {name: dittofs-file}, spec: {selector: {app: dittofs}, ports: [{name: api, port: 8080}]}}")
	o.declare(12049)
	commands := o.commandsToLook()
	if len(commands) < 20 {
		o.t.Fatalf("found only %q", commands)
	}
	values := strings.NewReplacer("portside-system", o.namespace, "NAMESPACE", o.namespace, "KIND/NAME", "statefulset/dittofs", "SERVICE", "dittofs-file", "NAME", dittofs)
	for _, command := range commands {
		switch {
		case strings.Contains(command, " logs "):
			// There is no kubelet to read a log from.
			if !strings.HasSuffix(command, " -l app.kubernetes.io/name=portside") ||
				!strings.Contains(fileText(o.t, "install/portside.yaml"), "        app.kubernetes.io/name: portside\n") {
				o.t.Errorf("%s does not select portside's pods", command)
			}
		case command == "portside check":
			// It reports that portside is not installed, which is exit code 2.
			out, err := o.run(command)
			if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 2 {
				o.t.Errorf("%s: %v\n%s", command, err, out)
			}
		case strings.HasPrefix(command, "portside reconcile "):
			o.mustRun(values.Replace(command) + " --wait=false") // there is no service
		default:
			o.mustRun(values.Replace(command))
		}
	}
}

var (
	inlineCode = regexp.MustCompile("`((?:kubectl|portside) [^`]+)`")
	lookColumn = regexp.MustCompile("(?m)^\\| `\\w+` \\| .* \\| (`[^|]*`) \\| .* \\|$")
)

// commandsToLook returns the commands of the alerts, and those of the column "look at".
// Each row of a table with that column has one.
func (o *operations) commandsToLook() []string {
	o.t.Helper()
	var found []string
	for section := range strings.SplitSeq(fileText(o.t, runbook), "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		if !strings.Contains(text, "| look at |") && heading != "Alerts" {
			continue
		}
		if heading != "Alerts" {
			cells := lookColumn.FindAllStringSubmatch(text, -1)
			if rows := row.FindAllString(text, -1); len(cells) != len(rows) {
				o.t.Errorf("%s: %d of %d rows have something to look at", heading, len(cells), len(rows))
			}
			text = ""
			for _, cell := range cells {
				text += cell[1]
			}
		}
		for _, match := range inlineCode.FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// TestFormerInstallation checks that the page names each object of an installation that
// lacks the label by which the others are deleted, but for those that must stay.
func TestFormerInstallation(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t, "install/portside.yaml") {
		object := read(t, document)
		switch {
		case object.GetKind() == "Namespace" || object.GetKind() == crd:
			if object.GetLabels()["app.kubernetes.io/instance"] != "" {
				t.Errorf("%s %s has the label and would be deleted", object.GetKind(), object.GetName())
			}
		case object.GetLabels()["app.kubernetes.io/instance"] != "portside":
			if !strings.Contains(fileText(t, runbook), "`"+object.GetName()+"`") {
				t.Errorf("the page does not name %s %s, which lacks the label", object.GetKind(), object.GetName())
			}
		}
	}
}
