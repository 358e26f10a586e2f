package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Where `portside install` puts portside, and who it is there.
const (
	systemNamespace = "portside-system"
	serviceAccount  = "portside"
)

// notHere are the kinds that would have the image run in the cluster: here the
// service is a process of this machine.
var notHere = []string{"Deployment", "PodDisruptionBudget"}

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
	m.objects = slices.DeleteFunc(m.objects, func(o *unstructured.Unstructured) bool { return slices.Contains(notHere, o.GetKind()) })
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
	// What is applied already is no change; this waits until it is in force.
	return l.plane.InstallCRD(ctx, filepath.Join(l.portside.dir, "..", "chart", "crds", "portside.dev_adaptersets.yaml"))
}

// logIn gets a token of portside's ServiceAccount.
func (l *life) logIn(ctx context.Context) (*rest.Config, error) {
	request, err := l.cluster.client.CoreV1().ServiceAccounts(systemNamespace).
		CreateToken(ctx, serviceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("a token of portside's ServiceAccount: %w", err)
	}
	config := rest.AnonymousClientConfig(l.plane.Config())
	config.BearerToken = request.Status.Token
	return config, nil
}

// program runs in the demo's folder as somebody, with a kubeconfig for a
// namespace.
func (l *life) program(path string, config *rest.Config, who, namespace string) (binary, error) {
	kubeconfig := filepath.Join(l.dir, who+".kubeconfig")
	return binary{path: path, kubeconfig: kubeconfig, dir: l.dir}, writeKubeconfig(kubeconfig, config, namespace)
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
