package testenv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/portside-dev/portside/testenv"
)

// The tests that compare processes before and after are not parallel.

func TestStop(t *testing.T) {
	before := snapshot(t)
	cp, err := testenv.Start(t.Context(), testenv.Options{Controllers: true})
	if err != nil {
		t.Fatal(err)
	}
	ns := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(ns).MustApply(t, declared(static))
	cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	if err := cp.Stop(); err != nil {
		t.Error(err)
	}
	if err := cp.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	before.compare(t)
}

func TestStartFails(t *testing.T) {
	assets := t.TempDir()
	for _, binary := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if err := os.Symlink(filepath.Join(testenv.Shared(t).Assets(), binary), filepath.Join(assets, binary)); err != nil {
			t.Fatal(err)
		}
	}
	broken := "#!/bin/sh\necho this manager is broken >&2\nexit 7\n"
	if err := os.WriteFile(filepath.Join(assets, "kube-controller-manager"), []byte(broken), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	before := snapshot(t)
	_, err := testenv.Start(t.Context(), testenv.Options{Controllers: true})
	for _, want := range []string{"kube-controller-manager", "this manager is broken", "exit status 7"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	before.compare(t)
}

func TestMissingBinaries(t *testing.T) {
	partial := t.TempDir() // with the binaries of setup-envtest
	for _, binary := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if err := os.WriteFile(filepath.Join(partial, binary), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for folder, missing := range map[string]string{
		t.TempDir(): "no etcd, kube-apiserver, kubectl, kube-controller-manager in ",
		partial:     "no kube-controller-manager in ",
	} {
		t.Setenv("KUBEBUILDER_ASSETS", folder)
		before := snapshot(t)
		_, err := testenv.Start(t.Context(), testenv.Options{Controllers: true})
		for _, want := range []string{missing + folder, "unset KUBEBUILDER_ASSETS", "make controlplane"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
		}
		before.compare(t)
	}
}

// TestServerVersion expects the version in go.mod: a build from modules has a
// version only if the build sets it.
func TestServerVersion(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	gomod, err := os.ReadFile("controlplane/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^\s*(?:require )?k8s\.io/kubernetes (v\S+)`).FindSubmatch(gomod)
	if required == nil {
		t.Fatal("controlplane/go.mod does not require k8s.io/kubernetes")
	}
	version, err := kubernetes.NewForConfigOrDie(cp.Config()).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	want := string(required[1])
	if _, err := os.Stat(filepath.Join(cp.Assets(), "controlplane")); err != nil {
		want = "v1." // KUBEBUILDER_ASSETS has a control plane that was not built here
	}
	if !strings.HasPrefix(version.GitVersion, want) {
		t.Errorf("the server reports version %s, want %s", version.GitVersion, want)
	}
}

// running is the state of this process: its goroutines, its child processes, and
// the folders it made.
type running struct {
	goroutines goleak.Option
	children   []string
	folders    []string
}

// snapshot records the state. It sets a temporary folder for the test, because
// other tests of this machine have control planes too.
func snapshot(t *testing.T) running {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	return running{goleak.IgnoreCurrent(), children(t), folders(t)}
}

func (r running) compare(t *testing.T) {
	t.Helper()
	if err := goleak.Find(r.goroutines); err != nil {
		t.Error(err)
	}
	if now := children(t); !slices.Equal(now, r.children) {
		t.Errorf("child processes %q before, %q after", r.children, now)
	}
	if now := folders(t); !slices.Equal(now, r.folders) {
		t.Errorf("folders %q before, %q after", r.folders, now)
	}
}

// children returns the child processes of this process, from /proc.
func children(t *testing.T) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, stat := range stats {
		line, err := os.ReadFile(stat)
		if err != nil {
			continue // the process has ended
		}
		// pid (name) state parent …; the name may contain any character.
		_, rest, _ := strings.Cut(string(line), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			found = append(found, stat)
		}
	}
	return found
}

func folders(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestUser(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	config, err := cp.User("new-user", "some-group")
	if err != nil {
		t.Fatal(err)
	}
	content, err := testenv.KubeconfigOf(config, "somewhere")
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kubernetes.NewForConfigOrDie(loaded).CoreV1().Secrets("somewhere").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "new-user"`) {
		t.Errorf("listing secrets: %v, want Forbidden", err)
	}
}

func TestExpiredUser(t *testing.T) {
	t.Parallel()
	config, err := testenv.Shared(t).ExpiredUser("yesterdays-admin", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	_, err = kubernetes.NewForConfigOrDie(config).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("listing namespaces: %v, want 401", err)
	}
}

func TestNamespace(t *testing.T) {
	t.Parallel()
	t.Run("A name_that is/no label, and much longer than a label: it has more than 63 characters", func(t *testing.T) {
		cp := testenv.Shared(t)
		first, second := cp.Namespace(t), cp.Namespace(t)
		if first == second || !strings.HasPrefix(first, "testnamespace-a-name-that-is-no") {
			t.Errorf("namespaces %q and %q", first, second)
		}
	})
}
