package kubectl_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/portside"
)

const examples = "../../../examples"

// user runs the commands of the examples as users do.
type user struct {
	*compat.Site
	t        *testing.T
	binaries string // a folder with portside in it
}

// TestExamples runs examples/kubectl and examples/cronjob with portside built from
// these sources.
func TestExamples(t *testing.T) {
	t.Parallel()
	binaries := filepath.Dir(portside.BuildFor(t).Path)
	for name, test := range map[string]func(user){"kubectl": user.runsScript, "cronjob": user.runsCronJob} {
		t.Run(name, func(t *testing.T) {
			test(user{Site: compat.NewSite(t, testenv.Shared(t)), t: t, binaries: binaries})
		})
	}
}

// run runs a command of an example as the configuration's user, in the site's
// namespace.
func (u user) run(as *rest.Config, name string, args ...string) {
	u.t.Helper()
	content, err := testenv.KubeconfigOf(as, u.Namespace)
	compat.Must(u.t, err)
	home := u.t.TempDir()
	kubeconfig := filepath.Join(home, "kubeconfig")
	compat.Must(u.t, os.WriteFile(kubeconfig, content, 0o600))
	if !strings.Contains(name, "/") {
		name = filepath.Join(u.binaries, name)
	}
	command := exec.CommandContext(u.t.Context(), name, args...)
	command.Env = []string{"KUBECONFIG=" + kubeconfig, "HOME=" + home, "KUBERC=off", "PATH=" + u.binaries + ":" + u.Assets() + ":" + os.Getenv("PATH")}
	if output, err := command.CombinedOutput(); err != nil {
		u.t.Fatalf("%s: %v\n%s", name, err, output)
	}
}

// runsScript runs the script twice. The second run changes nothing.
func (u user) runsScript() {
	var versions []string
	for range 2 {
		u.run(u.Config(), filepath.Join(examples, "kubectl/deploy.sh"))
		versions = append(versions, u.Live().GetResourceVersion())
	}
	if versions[0] != versions[1] {
		u.t.Error("the second run changed the workload")
	}
	u.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
}

// cronJob returns the example's CronJob, decoded strictly.
func cronJob(t *testing.T) *batchv1.CronJob {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, "cronjob/cronjob.yaml"))
	compat.Must(t, err)
	object, _, err := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	compat.Must(t, err)
	job, ok := object.(*batchv1.CronJob)
	if !ok {
		t.Fatalf("the example is a %T", object)
	}
	return job
}

// runsCronJob runs the command of the CronJob's container as its ServiceAccount,
// with the AdapterSets of a checkout. The server stores the CronJob and its
// permissions as they are in the example, except for the namespace.
func (u user) runsCronJob() {
	for _, name := range []string{"cronjob.yaml", "rbac.yaml"} {
		text, err := os.ReadFile(filepath.Join(examples, "cronjob", name))
		compat.Must(u.t, err)
		_, err = u.Kubectl(u.t.Context(), u.Namespace, strings.ReplaceAll(string(text), "namespace: storage", "namespace: "+u.Namespace),
			"apply", "--server-side", "--validate=strict", "--filename=-")
		compat.Must(u.t, err)
	}
	compat.Must(u.t, serverSide().Sync(u.Site, compat.First()))

	job := cronJob(u.t)
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	container := pod.Containers[0]
	checkout := u.t.TempDir()
	sets := filepath.Join(checkout, "deploy", "adaptersets")
	compat.Must(u.t, os.MkdirAll(sets, 0o755))
	set, err := os.ReadFile(filepath.Join(examples, "kubectl/adapterset.yaml"))
	compat.Must(u.t, err)
	compat.Must(u.t, os.WriteFile(filepath.Join(sets, "dittofs.yaml"), set, 0o600))
	here := strings.NewReplacer(container.VolumeMounts[0].MountPath, checkout, "--namespace="+job.Namespace, "--namespace="+u.Namespace)
	var args []string
	for _, arg := range container.Args {
		args = append(args, here.Replace(arg))
	}
	account, err := u.User("system:serviceaccount:" + u.Namespace + ":" + pod.ServiceAccountName)
	compat.Must(u.t, err)
	var versions []string
	for range 2 {
		u.run(account, container.Command[0], args...)
		versions = append(versions, u.Live().GetResourceVersion())
		u.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
	}
	if versions[0] != versions[1] {
		u.t.Error("the second run changed the workload")
	}
}
