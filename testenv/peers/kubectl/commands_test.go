package kubectl_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const workload = "statefulset/" + compat.Name

// command is a kubectl command that changes a workload without Git.
type command struct {
	name string
	run  func(s *compat.Site) error
}

func kubectl(args ...string) func(*compat.Site) error {
	return func(s *compat.Site) error {
		_, err := s.Kubectl(s.Context(), s.Namespace, "", args...)
		return err
	}
}

// edit returns kubectl edit with sed as the editor.
func edit(script string) func(*compat.Site) error {
	return func(s *compat.Site) error {
		command := exec.CommandContext(s.Context(), filepath.Join(s.Assets(), tool), "edit", workload, "--namespace="+s.Namespace)
		command.Env = []string{
			"KUBECONFIG=" + s.KubeconfigFile(), "HOME=" + s.TempDir(), "KUBERC=off", "PATH=" + os.Getenv("PATH"),
			"KUBE_EDITOR=sed -i " + script,
		}
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl edit: %w: %s", err, output)
		}
		return nil
	}
}

// TestCommands expects that a command changes what it is asked to change, our ports
// stay, and the next reconciliation has nothing to do.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []command{
		{"set image", kubectl("set", "image", workload, "dittofs=dittofs:v2")},
		{"scale", kubectl("scale", workload, "--replicas=2")},
		{"edit", edit("s/dittofs:v1/dittofs:v2/")},
		{"patch", kubectl("patch", workload, "--patch", `{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","image":"dittofs:v2"}]}}}}`)},
		{"rollout restart", kubectl("rollout", "restart", workload)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, serverSide().Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			before := s.Live()
			compat.Must(t, c.run(s))
			after := s.Live()
			if after.GetGeneration() != before.GetGeneration()+1 {
				t.Errorf("%s changed nothing", c.name)
			}
			if result := s.Reconcile(compat.Adapter("nfs", 12049)); result.Outcome != apply.Unchanged {
				t.Errorf("the reconciliation after it is %s", result.Outcome)
			}
			write(t, c.name, "", changed(before, after), compat.YesNo(!reflect.DeepEqual(template(before), template(after))))
		})
	}
}

// TestRolloutUndo: undo restores the ports of the older revision, ours too,
// whatever adapters are active now. A reconciliation adds the desired ports; the
// others belong to kubectl until they are adopted.
func TestRolloutUndo(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.WithControllers(t))
	compat.Must(t, serverSide().Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	s.WaitRolledOut(t, compat.Kind, s.Namespace, compat.Name)
	s.Reconcile(compat.Adapter("smb", 1445))
	before := s.WaitRolledOut(t, compat.Kind, s.Namespace, compat.Name)

	compat.Must(t, kubectl("rollout", "undo", workload)(s))
	after := s.WaitRolledOut(t, compat.Kind, s.Namespace, compat.Name)
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:12049/TCP")
	s.Reconcile(compat.Adapter("smb", 1445))
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")

	s.Adopt(tool)
	s.Reconcile(compat.Adapter("smb", 1445))
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-smb:1445/TCP")
	write(t, "rollout undo", "run portside adopt --from kubectl afterwards (otherwise adapter ports of the older revision stay)",
		changed(before, after), compat.YesNo(!reflect.DeepEqual(template(before), template(after))))
}

// TestEditOurPort: a port of ours that was renamed by hand is Blocked, naming the
// manager, and Owned again when the name is back.
func TestEditOurPort(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, serverSide().Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	compat.Must(t, edit("s/adapter-nfs/mine/")(s))
	result := s.Reconcile(compat.Adapter("nfs", 12049))
	if p := result.Ports[0]; p.State != port.Blocked || !strings.Contains(p.Message, testenv.KubectlEdit) {
		t.Errorf("renamed by hand, the port is %s: %s", p.State, p.Message)
	}
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "mine:12049/TCP")
	compat.Must(t, edit("s/mine/adapter-nfs/")(s))
	if state := compat.State(s.Reconcile(compat.Adapter("nfs", 12049)), "nfs"); state != "Owned" {
		t.Errorf("with its name again, the port is %s", state)
	}
}

// changed returns what a command did to our ports.
func changed(before, after *unstructured.Unstructured) string {
	if slices.Equal(compat.Adapters(before), compat.Adapters(after)) {
		return "no"
	}
	return "brings back " + strings.Join(compat.Adapters(after), " ")
}

func template(w *unstructured.Unstructured) any {
	template, _, _ := unstructured.NestedMap(w.Object, "spec", "template")
	return template
}

// write writes the row of a command, which answers fewer questions.
func write(t *testing.T, mode, set, ports, restarts string) {
	t.Helper()
	if want := map[bool]string{true: "brings back adapter-nfs:12049/TCP", false: "no"}[mode == "rollout undo"]; ports != want {
		t.Errorf("our ports changed: %s, want %s", ports, want)
	}
	if want := compat.YesNo(mode != "scale"); restarts != want {
		t.Errorf("it restarts pods: %s, want %s", restarts, want)
	}
	compat.Must(t, compat.Event(tool, mode, set, ports, restarts).Write())
}
