package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// stage has a control plane, Git, Argo CD and portside.
type stage struct {
	out, progress *printer

	dir      string // of temporary files
	plane    *testenv.ControlPlane
	cluster  cluster
	git      *manifests
	argo     *testenv.Manager
	counter  *counter
	portside program
}

// setStage starts everything, and builds portside unless a binary is given. It leaves
// nothing behind if it fails.
func setStage(ctx context.Context, binary string, out, progress *printer) (s *stage, err error) {
	s = &stage{out: out, progress: progress}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.strike())
		}
	}()
	manifests, err := testenv.ModuleFile("examples/dittofs")
	if err != nil {
		return s, err
	}
	if s.dir, err = os.MkdirTemp("", "portside-demo-"); err != nil {
		return s, err
	}
	s.portside = program{dir: manifests, kubeconfig: filepath.Join(s.dir, "kubeconfig")}
	if s.git, err = readManifests(s.portside.dir, inGit...); err != nil {
		return s, err
	}
	if s.portside.path, err = s.binary(ctx, binary); err != nil {
		return s, err
	}
	progress.linef("starting etcd, kube-apiserver and kube-controller-manager")
	if s.plane, err = testenv.Start(ctx, testenv.Options{Controllers: true}); err != nil {
		return s, err
	}
	return s, s.connect()
}

// binary returns the path of the given binary, or of one that it builds.
func (s *stage) binary(ctx context.Context, given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	s.progress.linef("building portside")
	program, err := portside.Build(ctx, s.dir)
	return program.Path, err
}

// connect creates the clients.
func (s *stage) connect() error {
	client, err := kubernetes.NewForConfig(s.plane.Config())
	if err != nil {
		return err
	}
	s.cluster = cluster{client: client, plane: s.plane, reader: s.plane.Manager("demo")}
	s.argo = s.plane.Manager(testenv.ArgoCD)
	if s.counter, err = startCounter(s.plane.Config()); err != nil {
		return err
	}
	return writeKubeconfig(s.portside.kubeconfig, s.counter.Config(), namespace)
}

// strike stops and removes everything that setStage created.
func (s *stage) strike() error {
	var errs []error
	if s.counter != nil {
		s.counter.Close()
	}
	if s.plane != nil {
		errs = append(errs, s.plane.Stop())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// invite prints how to use the control plane that keeps running.
func (s *stage) invite(namespace string) {
	s.progress.linef("")
	s.progress.linef("The control plane runs until Ctrl-C. Use it with:")
	s.progress.linef("")
	s.progress.linef("KUBECONFIG=%s %s -n %s get statefulset,pods,services",
		s.plane.KubeconfigFile(), filepath.Join(s.plane.Assets(), "kubectl"), namespace)
	s.progress.linef("KUBECONFIG=%s %s -n %s owners statefulset/%s",
		s.plane.KubeconfigFile(), s.portside.path, namespace, workload)
}

// managers returns owners without their operations.
func managers(owners []string) string {
	names := make([]string, 0, len(owners))
	for _, owner := range owners {
		names = append(names, strings.TrimSuffix(owner, "/"+string(metav1.ManagedFieldsOperationApply)))
	}
	return strings.Join(names, ",")
}
