package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// systemNamespace is where `portside install` installs portside.
const systemNamespace = "portside-system"

// omitted are the kinds that would run portside's image in the cluster. Here the
// service is a process of this machine.
var omitted = []string{"Deployment", "PodDisruptionBudget"}

// install applies the output of `portside install`, and waits until the server serves
// AdapterSets.
func (l *life) install(ctx context.Context) error {
	// The output has a RoleBinding in the namespace whose Secrets portside reads.
	if _, err := l.kubectl.run(ctx, "create", "namespace", mediaNamespace); err != nil {
		return err
	}
	printed, err := l.cli.run(ctx, "install", "--services", "--discovery-namespace", mediaNamespace)
	if err != nil {
		return err
	}
	m := &manifests{}
	if err := m.add([]byte(printed)); err != nil {
		return fmt.Errorf("cannot read the output of portside install: %w", err)
	}
	m.objects = slices.DeleteFunc(m.objects, func(o *unstructured.Unstructured) bool { return slices.Contains(omitted, o.GetKind()) })
	var text strings.Builder
	for _, object := range m.objects {
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return err
		}
		text.WriteString("---\n" + string(document))
	}
	if _, err := l.plane.Kubectl(ctx, "", text.String(), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	crd, err := testenv.ModuleFile(portside.CRD)
	if err != nil {
		return err
	}
	return l.plane.InstallCRD(ctx, crd) // it is applied already; this waits until it is served
}

// program returns a program that runs as a user in a namespace.
func (l *life) program(path string, config *rest.Config, user, namespace string) (program, error) {
	kubeconfig := filepath.Join(l.dir, user+".kubeconfig")
	return program{path: path, kubeconfig: kubeconfig, dir: l.dir}, writeKubeconfig(kubeconfig, config, namespace)
}

// attempt is a command that must be refused, and a part of its message.
type attempt struct {
	args    []string
	message string
}

// withOurToken runs commands with portside's token.
func withOurToken(attempts ...attempt) func(context.Context, *life) ([]claim, error) {
	return func(ctx context.Context, l *life) ([]claim, error) {
		thief, err := l.program(l.kubectl.path, l.token, "thief", mediaNamespace)
		if err != nil {
			return nil, err
		}
		var claims []claim
		for _, a := range attempts {
			l.out.command(append([]string{"kubectl"}, a.args...))
			output, err := thief.command(ctx, a.args...).CombinedOutput()
			if err == nil {
				err = fmt.Errorf("it was not refused: %s", output)
			} else if err = nil; !strings.Contains(string(output), a.message) {
				err = fmt.Errorf("the message has no %q: %s", a.message, output)
			}
			l.out.wrapped(string(output))
			claims = append(claims, claim{"kubectl " + strings.Join(a.args[:2], " ") + " is refused", err})
		}
		return claims, nil
	}
}
