package testenv

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
)

// controllerNames are the controllers that run: those of workloads, those that
// remove the pods and revisions of deleted workloads, that of EndpointSlices, which
// show the ports that a Service selects, and that which fills aggregated
// ClusterRoles: without it view, edit and admin grant nothing.
var controllerNames = []string{
	"statefulset-controller", "deployment-controller", "replicaset-controller", "daemonset-controller",
	"garbage-collector-controller", "namespace-controller", "endpointslice-controller",
	"clusterrole-aggregation-controller",
}

// startControllers runs kube-controller-manager and waits until it reconciles.
func (cp *ControlPlane) startControllers(ctx context.Context) error {
	path, err := cp.guard(binaryControllerManager)
	if err != nil {
		return err
	}
	controllers, err := startProcess(path, filepath.Join(cp.dir, binaryControllerManager+".log"),
		"--kubeconfig="+cp.KubeconfigFile(),
		"--controllers="+strings.Join(controllerNames, ","),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000", "--kube-api-burst=2000", // with the defaults a rollout waits for the client's rate limiter
	)
	if err != nil {
		return err
	}
	cp.controllers = controllers // Stop ends it from now on
	if err := cp.awaitControllers(ctx); err != nil {
		return fmt.Errorf("%s: %w\n%s", binaryControllerManager, err, cp.controllers.tail())
	}
	return nil
}

// awaitControllers waits until a controller has reconciled a StatefulSet without
// pods. A running process may not have filled its caches yet.
func (cp *ControlPlane) awaitControllers(ctx context.Context) error {
	probes := cp.client.AppsV1().StatefulSets(metav1.NamespaceDefault)
	labels := map[string]string{"app": "testenv-probe"}
	probe, err := probes.Create(ctx, &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "testenv-probe-"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: ptr.To[int32](0),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "none", Image: "none"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		select {
		case <-cp.controllers.exited:
			return false, fmt.Errorf("ended: %w", cp.controllers.err)
		default:
		}
		live, err := probes.Get(ctx, probe.Name, metav1.GetOptions{})
		return err == nil && live.Status.ObservedGeneration >= probe.Generation, err
	})
	if err != nil {
		return err
	}
	return probes.Delete(ctx, probe.Name, metav1.DeleteOptions{})
}
