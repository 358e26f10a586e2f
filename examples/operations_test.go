package examples_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// runbook is the page with the commands that TestOperations runs.
const runbook = "operations/README.md"

// TestOperations runs the commands of the runbook, with the real kubectl and portside
// and a real API server, and checks what the page claims about them.
func TestOperations(t *testing.T) {
	t.Parallel()
	binary := portside.BuildFor(t)
	for name, test := range map[string]func(*operations){
		"change a port by hand":             (*operations).changePort,
		"change a port with kubectl alone":  (*operations).changePortWithKubectl,
		"delete an AdapterSet":              (*operations).deleteSet,
		"another field manager":             (*operations).changeFieldManager,
		"commands of the tables and alerts": (*operations).lookAt,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			portside.InstallCRD(t, cp)
			test(newOperations(t, cp, binary))
		})
	}
	t.Run("upgrade", func(t *testing.T) {
		t.Parallel()
		newOperations(t, testenv.Own(t, testenv.Options{Controllers: true}), binary).upgrade()
	})
}

// operations is a namespace with the StatefulSet dittofs, whose commands run in a
// folder of their own.
type operations struct {
	*testenv.ControlPlane
	t         *testing.T
	namespace string
	git       *testenv.Manager
	program   portside.Program
	folder    string
}

func newOperations(t *testing.T, cp *testenv.ControlPlane, program portside.Program) *operations {
	t.Helper()
	o := &operations{ControlPlane: cp, t: t, namespace: cp.Namespace(t), program: program, folder: t.TempDir()}
	o.git = cp.Manager("git").In(o.namespace)
	here, err := filepath.Abs(".")
	must(t, err)
	must(t, os.Symlink(here, filepath.Join(o.folder, "examples")))
	must(t, os.Symlink(filepath.Join(cp.Assets(), "kubectl"), filepath.Join(o.folder, "kubectl")))
	must(t, os.Symlink(program.Path, filepath.Join(o.folder, "portside")))
	o.git.MustApply(t, fixture.StatefulSet(dittofs, fixture.Container(dittofs, "api:8080/TCP"), fixture.Spec("replicas: 1")))
	cp.WaitRolledOut(t, "StatefulSet", o.namespace, dittofs)
	return o
}

// section returns the text of a section of the runbook, without its subsections.
func (o *operations) section(heading string) string {
	o.t.Helper()
	_, text, found := strings.Cut(fileText(o.t, runbook), "# "+heading+"\n")
	if !found {
		o.t.Fatalf("the page has no section %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n##")
	return text
}

// scripts returns the command blocks of a section.
func (o *operations) scripts(heading string, want int) []string {
	o.t.Helper()
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$").FindAllStringSubmatch(o.section(heading), -1) {
		found = append(found, match[1])
	}
	if len(found) != want {
		o.t.Fatalf("the section %q has %d command blocks, want %d", heading, len(found), want)
	}
	return found
}

// mustRun runs commands as the administrator, in the test's namespace in place of
// storage, and returns their output.
func (o *operations) mustRun(script string) string {
	o.t.Helper()
	out, err := o.run(script)
	if err != nil {
		o.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

func (o *operations) run(script string) (string, error) {
	script = strings.ReplaceAll(script, "-n storage", "-n "+o.namespace)
	command := exec.CommandContext(o.t.Context(), "bash", "-euc", script)
	command.Dir = o.folder
	command.Env = append(o.KubectlEnvironment(o.KubeconfigFile()), "PATH="+o.folder+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	return string(out), err
}

// start starts the service for the namespace.
func (o *operations) start() *portside.Service {
	o.t.Helper()
	return portside.Run(o.t, o.program, o.Config(), "--watch-namespace="+o.namespace,
		"--leader-election-namespace="+o.namespace, "--metrics-secure=false").WaitReady()
}

// stop stops the service, as scaling its Deployment to zero does.
func (o *operations) stop(s *portside.Service) {
	o.t.Helper()
	if code := s.Terminate(); code != 0 {
		o.t.Errorf("exit code %d", code)
	}
}

// declare applies the AdapterSet with one adapter, nfs, under a number.
func (o *operations) declare(number int, options ...fixture.Option) {
	o.t.Helper()
	o.git.MustApply(o.t, fixture.AdapterSet(dittofs, append(options, fixture.Target("StatefulSet", dittofs),
		fixture.Adapters(fmt.Sprintf("nfs:%d", number)), fixture.Rollout(0, 0))...))
}

func (o *operations) workload() *unstructured.Unstructured {
	o.t.Helper()
	return o.git.MustGet(o.t, "StatefulSet", o.namespace, dittofs)
}

// expectPorts waits until the container has its static port and these ones.
func (o *operations) expectPorts(want ...string) {
	o.t.Helper()
	want = slices.Concat([]string{"api:8080/TCP"}, want)
	testenv.Eventually(o.t, fmt.Sprintf("the ports %q", want), func(ctx context.Context) error {
		live, err := o.git.Get(ctx, "StatefulSet", o.namespace, dittofs)
		if err != nil {
			return err
		}
		return testenv.CheckPorts(live, dittofs, want...)
	})
}

// expectState waits until status reports this state and reason of the only port, for
// the live generation of the AdapterSet.
func (o *operations) expectState(want string) {
	o.t.Helper()
	testenv.Eventually(o.t, "the state "+want, func(ctx context.Context) error {
		set, err := o.git.Get(ctx, "AdapterSet", o.namespace, dittofs)
		if err != nil {
			return err
		}
		ports, _, _ := unstructured.NestedSlice(set.Object, "status", "ports")
		observed, _, _ := unstructured.NestedInt64(set.Object, "status", "observedGeneration")
		if len(ports) == 1 && observed == set.GetGeneration() {
			port := ports[0].(map[string]any)
			if got := strings.TrimSpace(fmt.Sprint(port["state"], " ", orEmpty(port["reason"]))); got == want {
				return nil
			}
		}
		return fmt.Errorf("generation %d: %v", set.GetGeneration(), set.Object["status"])
	})
}

func orEmpty(value any) any {
	if value == nil {
		return ""
	}
	return value
}

// expectOwners waits until a port has these owners.
func (o *operations) expectOwners(kind, name, port string, want ...string) {
	o.t.Helper()
	testenv.Eventually(o.t, fmt.Sprintf("the owners %q of %s", want, port), func(ctx context.Context) error {
		live, err := o.git.Get(ctx, kind, o.namespace, name)
		if err != nil {
			return err
		}
		got, err := testenv.Owners(live, dittofs, port)
		if slices.Sort(got); err == nil && !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			err = fmt.Errorf("got %q", got)
		}
		return err
	})
}

// expectGeneration fails the test if the StatefulSet was changed since then.
func (o *operations) expectGeneration(want int64) {
	o.t.Helper()
	if got := o.workload().GetGeneration(); got != want {
		o.t.Errorf("generation %d, want %d", got, want)
	}
}
