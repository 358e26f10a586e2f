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

// install applies what `portside install` prints, and returns when the server
// serves AdapterSets.
func (l *life) install(ctx context.Context) error {
	// The namespace lets portside read its Secrets, so it has to be there first.
	if _, err := l.kubectl.run(ctx, "create", "namespace", mediaNamespace); err != nil {
		return err
	}
	printed, err := l.cli.run(ctx, "install", "--discovery-namespace", mediaNamespace)
	if err != nil {
		return err
	}
	m := &manifests{}
	if err := m.add([]byte(printed)); err != nil {
		return fmt.Errorf("what portside install prints: %w", err)
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

// program runs in the demo's folder as somebody, with a kubeconfig for a
// namespace.
func (l *life) program(path string, config *rest.Config, who, namespace string) (program, error) {
	kubeconfig := filepath.Join(l.dir, who+".kubeconfig")
	return program{path: path, kubeconfig: kubeconfig, dir: l.dir}, writeKubeconfig(kubeconfig, config, namespace)
}

// attempt is a command that must be refused, and whose words say so.
type attempt struct {
	args []string
	says string
}

// withOurToken has somebody who got hold of portside's token try things.
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
			} else if err = nil; !strings.Contains(string(output), a.says) {
				err = fmt.Errorf("%q is not what it says: %s", a.says, output)
			}
			l.out.wrapped(string(output))
			claims = append(claims, claim{"kubectl " + strings.Join(a.args[:2], " ") + " is refused", err})
		}
		return claims, nil
	}
}
