//go:build chromium

package page

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{Controllers: true}) }

// scene is a namespace with the objects of the demo.
type scene struct {
	*testenv.ControlPlane
	t         *testing.T
	namespace string
	program   portside.Program
}

// newScene applies the objects of the demo as Argo CD does.
func newScene(t *testing.T) *scene {
	t.Helper()
	cp := testenv.WithControllers(t)
	s := &scene{ControlPlane: cp, t: t, namespace: cp.Namespace(t), program: portside.BuildFor(t)}
	for _, file := range []string{"statefulset.yaml", "service.yaml"} {
		for _, object := range s.objects("examples/demo/git/" + file) {
			cp.Manager(testenv.ArgoCD).MustApply(t, object)
		}
	}
	s.rolledOut()
	return s
}

// objects returns the objects of a file of this repository, in the namespace of the scene.
func (s *scene) objects(file string) (all []*unstructured.Unstructured) {
	s.t.Helper()
	path, err := testenv.ModuleFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), object); err != nil {
			s.t.Fatal(err)
		}
		object.SetNamespace(s.namespace)
		all = append(all, object)
	}
	return all
}

// rolledOut waits until the rollout is complete, and for the next second: times in the
// cluster have no fractions, and a history needs their order.
func (s *scene) rolledOut() {
	s.t.Helper()
	s.WaitRolledOut(s.t, "StatefulSet", s.namespace, "dittofs")
	second := time.Now().Unix()
	testenv.Eventually(s.t, "the next second", func(context.Context) error {
		if time.Now().Unix() == second {
			return errors.New("it is still the same")
		}
		return nil
	})
}

// portside runs the program and returns its standard output.
func (s *scene) portside(stdin string, args ...string) string {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), s.program.Path, append(args, "-n", s.namespace)...)
	command.Stdin = strings.NewReader(stdin)
	command.Env = slices.Concat(s.program.Env, []string{"HOME=" + s.t.TempDir(), "KUBECONFIG=" + s.KubeconfigFile()})
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		s.t.Fatalf("portside %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// sync applies an AdapterSet with these adapters and the Service, and waits for the rollout.
func (s *scene) sync(adapters string) {
	s.t.Helper()
	s.portside(`apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: dittofs}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: dittofs}
  adapters: `+adapters+`
  services: [{name: dittofs}]
`, "sync", "-f", "-")
	s.rolledOut()
}

// postMortem returns the page of a StatefulSet and a Service that several managers wrote.
func postMortem(t *testing.T) string {
	t.Helper()
	s := newScene(t)
	s.sync("[{type: nfs, port: 12049}, {type: smb, port: 1445}]")
	s.MustKubectl(t, s.namespace, "", "set", "env", "statefulset/dittofs", "LOG_LEVEL=debug")
	s.rolledOut()
	s.MustKubectl(t, s.namespace, "", "patch", "statefulset", "dittofs", "--subresource=scale",
		"--field-manager=kube-controller-manager", "--type=merge", "-p", `{"spec":{"replicas":3}}`) // as an HPA does
	s.rolledOut()
	s.sync("[{type: nfs, port: 12050}, {type: smb, port: 1445}, {type: s3, port: 9000}]")
	s.MustKubectl(t, s.namespace, "", "annotate", "statefulset/dittofs", "example.com/incident=2041")
	s.sync("[{type: nfs, port: 12050}, {type: s3, port: 9000}]")
	return s.portside("", "owners", "statefulset/dittofs", "service/dittofs", "-o", "html")
}
